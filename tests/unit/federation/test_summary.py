"""Summaries are believed of their city alone, for a while; and what they rule out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from joserfc.jwk import ECKey

from federation.errors import PeerIncompatible
from federation.jose import public_jwks, sign, thumbprint_key
from federation.membership import Member
from federation.summary import CLOCK_SKEW, LIFETIME, TYP, Summary, absence, sign_summary, verify_summary

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = thumbprint_key(ECKey.generate_key("P-256"))
OTHER = thumbprint_key(ECKey.generate_key("P-256"))
MEMBER = Member("fulda", "Fulda", None, "https://fulda.example", public_jwks(KEY))
SUMMARY = Summary(
    tiers={"OPEN": 2},
    themes=["ENVI", "TRAN"],
    properties=["traffic-count"],
    box=(9.0, 50.0, 10.0, 51.0),
    observed=(NOW - timedelta(days=9), NOW),
)
DURING = {"start": "2026-02-25T00:00:00+00:00", "end": "2026-02-26T00:00:00+00:00"}


def signed(key: ECKey = KEY, *, now: datetime = NOW, city: str = "fulda", issuer: str = MEMBER.issuer) -> bytes:
    return sign_summary(SUMMARY, city, issuer, key, now)


def test_what_was_signed_comes_back():
    proven = verify_summary(signed(), MEMBER, NOW)
    assert proven.summary == SUMMARY
    assert proven.expires_at == NOW + LIFETIME


@pytest.mark.parametrize(
    "token",
    [
        signed(OTHER),
        signed(city="giessen"),
        signed(issuer="https://giessen.example"),
        signed(now=NOW - LIFETIME),
        signed(now=NOW + CLOCK_SKEW + timedelta(seconds=1)),
        b"nonsense",
        signed()[:-4] + b"AAAA",
        sign({"iss": MEMBER.issuer, "sub": "fulda"}, KEY, TYP).encode(),
    ],
)
def test_others_are_not_believed(token):
    with pytest.raises(PeerIncompatible):
        verify_summary(token, MEMBER, NOW)


def claims(**changes: object) -> bytes:
    start = int(NOW.timestamp())
    found = {"iss": MEMBER.issuer, "sub": "fulda", "iat": start, "exp": start + 60}
    return sign(found | {"summary": msgspec.to_builtins(SUMMARY)} | changes, KEY, TYP).encode()


def test_neither_are_those_that_claim_too_much():
    assert verify_summary(claims(), MEMBER, NOW).summary == SUMMARY
    long = int(NOW.timestamp()) + 86_400
    odd = [{"exp": long}, {"exp": 2**60, "iat": 2**60 - 1}, {"summary": {**msgspec.to_builtins(SUMMARY), "tiers": []}}]
    too_many = {**msgspec.to_builtins(SUMMARY), "themes": [str(number) for number in range(501)]}
    for changes in [*odd, {"summary": too_many}, {"typ": 1, "sub": "x"}]:
        with pytest.raises(PeerIncompatible):
            verify_summary(claims(**changes), MEMBER, NOW)


@pytest.mark.parametrize(
    ("root", "arguments", "told"),
    [
        ("datasets", {}, None),
        ("datasets", {"filter": None}, None),
        ("datasets", {"filter": {"themes": ["GOVE"]}}, "it has nothing under GOVE"),
        ("datasets", {"filter": {"themes": ["GOVE", "TRAN"]}}, None),
        ("datasets", {"filter": {"themes": []}}, None),
        ("datasets", {"filter": {"tiers": ["SHARED"]}}, "it has no datasets that are SHARED"),
        ("datasets", {"filter": {"tiers": ["SHARED", "OPEN"]}}, None),
        ("datasets", {"filter": {"tiers": ["SHARED", "INTERNAL"]}}, None),
        ("datasets", {"filter": {"bbox": {"west": 0, "south": 0, "east": 1, "north": 1}}}, None),
        (
            "things",
            {"filter": {"bbox": {"west": 0, "south": 0, "east": 1, "north": 1}}},
            "its things lie outside the box",
        ),
        ("things", {"filter": {"bbox": {"west": 8, "south": 50.5, "east": 9, "north": 60}}}, None),
        ("aggregate", {"filter": {"observedProperties": ["ozone"]}, "during": DURING}, "it observes no ozone"),
        ("observations", {"filter": {}, "during": DURING}, None),
        (
            "observations",
            {"filter": {}, "during": {"start": "2020-01-01T00:00:00Z", "end": "2026-02-20T12:00:00Z"}},
            "it has no observations of that time",
        ),
        (
            "observations",
            {"filter": {}, "during": {"start": "2026-03-02T12:00:00Z", "end": "2026-03-03T00:00:00Z"}},
            None,
        ),
        (
            "observations",
            {"filter": {}, "during": {"start": "2026-03-02T12:00:01Z", "end": "2026-03-03T00:00:00Z"}},
            "it has no observations of that time",
        ),
        ("aggregate", {"filter": {}, "during": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}, None),
        ("datasetFacets", {"filter": {"text": "rad", "themes": None}}, None),
        ("datasetFacets", {"filter": {"themes": ["GOVE"]}}, None),
        ("datasetFacets", {"filter": {"tiers": ["SHARED"]}}, None),
        ("datasetFacets", {"filter": {"observedProperties": ["ozone"]}}, "it observes no ozone"),
    ],
)
def test_what_is_ruled_out(root, arguments, told):
    assert absence(SUMMARY, root, arguments) == told


def test_a_list_that_is_too_long_rules_nothing_out():
    unknown = msgspec.structs.replace(SUMMARY, themes=None, properties=None)
    assert absence(unknown, "datasets", {"filter": {"themes": ["GOVE"], "observedProperties": ["ozone"]}}) is None


def test_a_city_without_data_for_others():
    empty = Summary(tiers={}, themes=[], properties=[], box=None, observed=None)
    assert absence(empty, "datasets", {}) == "no data leaves it"
    assert verify_summary(signed(), replace(MEMBER, name="Fulda am Main"), NOW), "its name may change"
