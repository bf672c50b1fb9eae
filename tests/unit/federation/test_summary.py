"""Summaries are believed of their city alone, for a while; and what they rule out."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from federation.errors import PeerIncompatible
from federation.jose import public_jwks, sign, thumbprint_key
from federation.membership import Member
from federation.summary import (
    CLOCK_SKEW,
    LIFETIME,
    TYP,
    Summary,
    absence,
    as_released,
    sign_summary,
    verify_summary,
    version_of,
)

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


def near(longitude: float, latitude: float, metres: float) -> dict[str, float]:
    return {"longitude": longitude, "latitude": latitude, "radiusMetres": metres}


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """By the haversine formula, as the database reckons."""
    (west, south), (east, north) = (map(math.radians, place) for place in (one, other))
    half = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(half)))


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
        ("things", {"filter": {"near": near(9.5, 52, 100_000)}}, "its things lie farther away"),
        ("things", {"filter": {"near": near(9.5, 52, 120_000)}}, None),
        ("datastreams", {"filter": {"near": near(12, 50.5, 100_000)}}, "its things lie farther away"),
        ("datastreams", {"filter": {"near": near(-171, 50.5, 100_000)}}, "its things lie farther away"),
        ("things", {"filter": {"near": near(9.5, 50.5, 1)}}, None),
        ("things", {"filter": {"near": near(180, 89.9, 1_000_000)}}, "its things lie farther away"),
        ("datasets", {"filter": {"near": near(0, 0, 1)}}, None),
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


LONGITUDES, LATITUDES = st.floats(-180, 180), st.floats(-90, 90)
PLACES = st.tuples(LONGITUDES, LATITUDES)


@given(st.lists(PLACES, min_size=1, max_size=4), PLACES, st.floats(1, 1_000_000))
def test_a_circle_never_rules_out_what_lies_in_it(things, middle, radius):
    west, east = min(place[0] for place in things), max(place[0] for place in things)
    south, north = min(place[1] for place in things), max(place[1] for place in things)
    summary = msgspec.structs.replace(SUMMARY, box=(west, south, east, north))
    if absence(summary, "things", {"filter": {"near": near(*middle, radius)}}) is not None:
        assert all(metres_between(middle, place) > radius for place in things)


@given(PLACES, st.integers(1, 1_000_000), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_a_place_that_is_moved_stays_in_the_box(place, metres, along, aside):
    """As `node.store.obliged` moves them: to the middle of a square."""
    side = metres / 111_320
    latitude = place[1] + aside * side
    longitude = place[0] + along * side / max(math.cos(math.radians(latitude)), 0.01)
    exact = msgspec.structs.replace(SUMMARY, box=(place[0], place[1], place[0], place[1]))
    box = as_released(exact, moved_m=metres, step_s=0).box
    if -180 <= longitude <= 180 and -90 <= latitude <= 90:
        assert box[0] <= longitude <= box[2]
        assert box[1] <= latitude <= box[3]


def test_a_time_that_is_put_into_a_step_begins_earlier():
    first, last = as_released(SUMMARY, moved_m=0, step_s=86_400).observed
    assert (first, last) == (SUMMARY.observed[0] - timedelta(days=1), SUMMARY.observed[1])
    assert as_released(SUMMARY, moved_m=0, step_s=0) == SUMMARY


def test_equal_summaries_have_one_version():
    other = msgspec.structs.replace(SUMMARY, tiers={"OPEN": 3})
    assert (
        version_of(msgspec.convert(msgspec.to_builtins(SUMMARY), Summary)) == version_of(SUMMARY) != version_of(other)
    )
    assert verify_summary(signed(), MEMBER, NOW).version == version_of(SUMMARY)
