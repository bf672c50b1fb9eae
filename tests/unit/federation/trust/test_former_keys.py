"""Lists of former keys: what a node may say of its own past, and what it can't take back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.errors import MembershipError
from federation.jose import public_jwks, read_unverified, sign
from federation.trust.former_keys import (
    MAX_BYTES,
    MAX_KEYS,
    TYP,
    FormerKey,
    NamedKey,
    known_keys,
    read_former_keys,
    sign_former_keys,
)
from tests.unit.federation.trust.world import NOW, City, new_key, tampered

GIESSEN = City("giessen")
SECOND = int(NOW.timestamp())
JWK = public_jwks(GIESSEN.signing[0])["keys"][0]
KID = JWK["kid"]
ROTATED = FormerKey(KID, JWK, SECOND - 500)
REVOKED = FormerKey(KID, JWK, SECOND - 500, SECOND - 700)


def listed(*former: FormerKey) -> str:
    return sign_former_keys(GIESSEN.issuer, former, GIESSEN.federation[0], NOW)


def read(token: str, now=NOW) -> dict[str, FormerKey]:
    return read_former_keys(token, GIESSEN.issuer, GIESSEN.vouched.jwks, now)


@pytest.mark.parametrize("one", [ROTATED, REVOKED])
def test_what_a_node_lists_is_read(one):
    assert read(listed(one)) == {KID: one}


def test_its_form_is_that_of_the_specification():
    found = read_unverified(listed(REVOKED), MAX_BYTES)
    assert found.header["typ"] == "jwk-set+jwt"
    assert (found.claims["iss"], found.claims["iat"]) == (GIESSEN.issuer, SECOND)
    (key,) = found.claims["keys"]
    assert key == {**JWK, "exp": SECOND - 500, "revoked": {"revoked_at": SECOND - 700, "reason": "unspecified"}}


def test_the_latest_are_listed_and_they_fit():
    many = [
        FormerKey(jwk["kid"], jwk, number)
        for number in range(MAX_KEYS + 5)
        for jwk in [{**JWK, "kid": f"{number:043}"}]
    ]
    token = listed(*many)
    assert len(token) < MAX_BYTES
    assert set(read(token)) == {one.kid for one in many[5:]}


def claims(**over: Any) -> dict[str, Any]:
    return read_unverified(listed(ROTATED), MAX_BYTES).claims | over


@pytest.mark.parametrize(
    ("token", "match"),
    [
        (sign(claims(), new_key(), TYP), "names no key"),
        (sign(claims(), GIESSEN.signing[0], TYP), "names no key"),
        (sign(claims(), GIESSEN.federation[0], "entity-statement+jwt"), "typ must be"),
        (tampered(listed(ROTATED), keys=[]), "signature is wrong"),
        (sign(claims(iss="https://daten.fulda.example"), GIESSEN.federation[0], TYP), "another node's"),
        (sign(claims(iat=SECOND + 61), GIESSEN.federation[0], TYP), "in the future"),
        (sign(claims(keys=[JWK]), GIESSEN.federation[0], TYP), "malformed"),
        (sign(claims(keys=[{**JWK, "exp": 1}] * 2), GIESSEN.federation[0], TYP), "a key twice"),
        (sign(claims(keys=[{**JWK, "exp": 1, "crv": "P-384"}]), GIESSEN.federation[0], TYP), "P-256"),
        (sign(claims(keys=[{**JWK, "exp": 1, "x": JWK["y"]}]), GIESSEN.federation[0], TYP), "not a point"),
        ("x" * (MAX_BYTES + 1), "longer than"),
    ],
)  # fmt: skip
def test_another_list_is_refused(token, match):
    with pytest.raises(MembershipError, match=match):
        read(token)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kid", "exp", "revoked"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["iss", "iat", "keys"]), JSON), JSON)
def test_whatever_a_node_signs_there_is_one_kind_of_error(over, key):
    mixed = {**JWK, **key} if isinstance(key, dict) else key
    for stated in (over, claims(**over), claims(keys=[mixed])):
        try:
            read(sign(stated, GIESSEN.federation[0], TYP))
        except MembershipError:
            continue


class TestWhatCounts:
    named = NamedKey(KID, JWK, SECOND - 1000, SECOND - 600)

    def counts(self, at: int, *former: FormerKey, named: tuple[NamedKey, ...] = ()) -> bool:
        return known_keys(named, {one.kid: one for one in former})[KID].counts_at(at)

    def test_a_key_that_was_never_taken_back(self):
        assert self.counts(SECOND, named=(self.named,))

    def test_a_rotated_key_until_it_signed_no_more(self):
        assert self.counts(SECOND - 500, ROTATED)
        assert not self.counts(SECOND - 439, ROTATED)

    def test_a_revoked_key_until_it_was_revoked(self):
        assert self.counts(SECOND - 700, REVOKED)
        assert not self.counts(SECOND - 639, REVOKED)

    def test_what_a_node_has_said_of_its_key_it_can_not_take_back(self):
        """It named the key in a signed configuration after the time at which it says that it revoked it."""
        assert self.counts(SECOND - 600, REVOKED, named=(self.named,))
        assert not self.counts(SECOND - 500, REVOKED, named=(self.named,))

    def test_a_list_can_not_put_another_key_under_the_name_of_a_known_one(self):
        (other,) = public_jwks(new_key())["keys"]
        lying = FormerKey(KID, {**other, "kid": KID}, SECOND)
        known = known_keys([self.named], {KID: lying})[KID]
        assert public_jwks(known.key)["keys"] == [JWK]


def test_it_is_the_anchors_statement_that_proves_the_list():
    with pytest.raises(MembershipError, match="names no key"):
        read_former_keys(listed(ROTATED), GIESSEN.issuer, {"keys": []}, NOW)
    assert read(listed(ROTATED), NOW + timedelta(days=400)) == {KID: ROTATED}, "it has no end: it is about the past"
