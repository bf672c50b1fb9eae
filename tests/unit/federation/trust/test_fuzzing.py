"""Whatever arrives as a statement, a key set or an anchor's file: it is read, or refused with a reason."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from federation.errors import MembershipError
from federation.jose import public_jwks, read_unverified, sign
from federation.trust.anchor import read_anchor, read_members
from federation.trust.node_configuration import read_configuration, read_self_signed
from federation.trust.pins import parse_pin
from federation.trust.state import Kept, Trust
from federation.trust.statements import MAX_STATEMENT_BYTES, TYP, WELL_KNOWN, checked_keys
from tests.unit.federation.trust.world import ANKER, NOW, Anchor, City

GIESSEN, ANCHOR = City("giessen"), Anchor()
GOOD = read_unverified(GIESSEN.configuration(), MAX_STATEMENT_BYTES).claims
FILES = ANCHOR.files(GIESSEN)
GOOD_ANCHOR = read_unverified(FILES[ANKER + WELL_KNOWN], MAX_STATEMENT_BYTES).claims
CONFIGURATION = read_anchor(FILES[ANKER + WELL_KNOWN], ANKER, ANCHOR.pin.jwks, NOW)
(MEMBERS,) = [content for url, content in FILES.items() if "/members/" in url]
GOOD_MEMBER = read_unverified(json.loads(MEMBERS)[0], MAX_STATEMENT_BYTES).claims

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["ES256", GIESSEN.issuer]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def mutations(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Good claims with something else in one or two places."""
    at = st.sampled_from(places(good)[1:])
    return st.lists(st.tuples(at, JSON), min_size=1, max_size=2).map(lambda changes: _apply(good, changes))


def _apply(good: dict[str, Any], changes: list[tuple[tuple[Any, ...], Any]]) -> dict[str, Any]:
    for path, new in changes:
        with suppress(KeyError, IndexError, TypeError):
            good = changed(good, path, new)
    return good


def signed(claims: Any, city: City | Anchor) -> str:
    key = city.federation[0] if isinstance(city, City) else city.keys[0]
    return sign(claims, key, TYP)


@given(mutations(GOOD))
def test_a_node_that_signs_anything(claims):
    with suppress(MembershipError):
        found = read_configuration(signed(claims, GIESSEN), GIESSEN.issuer, GIESSEN.vouched.jwks, NOW)
        assert found.issuer == GIESSEN.issuer
        assert found.period.expires_at > NOW
        assert checked_keys(found.jwks) == found.jwks


@given(mutations(GOOD))
def test_an_applicant_that_signs_anything(claims):
    with suppress(MembershipError):
        read_self_signed(signed(claims, GIESSEN))


@given(mutations(GOOD_ANCHOR))
def test_an_anchor_that_signs_anything(claims):
    with suppress(MembershipError):
        assert read_anchor(signed(claims, ANCHOR), ANKER, ANCHOR.pin.jwks, NOW).entity == ANKER


@given(mutations(GOOD_MEMBER))
def test_an_anchor_that_states_anything_about_a_member(claims):
    document = json.dumps([signed(claims, ANCHOR)]).encode()
    named = replace(CONFIGURATION, digest=hashlib.sha256(document).hexdigest())
    with suppress(MembershipError):
        (member,) = read_members(document, named, NOW)
        assert member.issuer.startswith("http")
        assert member.is_member_at(NOW) in {True, False}


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_that_are_no_statement(content):
    for read in (
        lambda: read_configuration(content, GIESSEN.issuer, GIESSEN.vouched.jwks, NOW),
        lambda: read_self_signed(content),
        lambda: read_anchor(content, ANKER, ANCHOR.pin.jwks, NOW),
        lambda: read_members(content, replace(CONFIGURATION, digest=hashlib.sha256(content).hexdigest()), NOW),
        lambda: parse_pin(content, "anchor.json"),
    ):
        with suppress(MembershipError):
            assert read() == ()  # only an empty array is a document


@given(st.integers(0, 400), st.binary(max_size=3))
def test_a_good_statement_with_other_bytes_in_it(at, content):
    token = GIESSEN.configuration().encode()
    other = token[:at] + content + token[at + len(content) :]
    with suppress(MembershipError):
        read_configuration(other, GIESSEN.issuer, GIESSEN.vouched.jwks, NOW)
        assert other == token


@given(JSON | mutations(public_jwks(*GIESSEN.federation, *GIESSEN.signing)))
def test_any_key_set(jwks):
    with suppress(MembershipError):
        found = checked_keys(jwks)
        assert 1 <= len(found["keys"]) <= 8
        assert all(set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in found["keys"])


@given(st.text(max_size=60), st.none() | st.text(max_size=5), st.none() | st.binary(max_size=20))
def test_anything_in_the_database(token, pin, document):
    with suppress(MembershipError):
        Trust(allow_plain_http=False).restore(Kept(ANKER, token, NOW, pin, document))
        raise AssertionError("that is no statement")
