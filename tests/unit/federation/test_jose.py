"""Signing and verifying: what was signed comes back, and nothing else does."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from federation.jose import JwtError, public_jwks, public_keys, read_unverified, sign, thumbprint_key, verify

KEY, OTHER = (thumbprint_key(ECKey.generate_key("P-256")) for _ in range(2))
KEYS = public_keys(public_jwks(KEY, OTHER))
TEXT = st.text(max_size=30)
CLAIMS = st.dictionaries(
    TEXT, st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT, max_size=3), max_size=5
)


@given(CLAIMS)
def test_what_was_signed_comes_back(claims: dict[str, Any]) -> None:
    assert verify(sign(claims, KEY, "x+jwt"), KEYS, {"x+jwt"}) == claims


@given(CLAIMS, st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_is_accepted_with_other_claims(claims: dict[str, Any], place: int, change: int) -> None:
    token = bytearray(sign(claims, KEY, "x+jwt").encode())
    token[place % len(token)] ^= change
    with suppress(JwtError):
        # a changed last bit of base64 that stands for nothing is the only change that may pass
        assert verify(bytes(token), KEYS, {"x+jwt"}) == claims


@given(st.binary(max_size=100))
def test_no_made_up_signature_is_accepted(signature: bytes) -> None:
    head, body, _ = sign({"a": 1}, KEY, "x").split(".")
    made_up = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    with pytest.raises(JwtError):
        verify(f"{head}.{body}.{made_up}", KEYS, {"x"})


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_whatever_is_read_there_is_one_kind_of_error(token: str | bytes) -> None:
    with pytest.raises(JwtError) as caught:
        read_unverified(token)
    assert caught.value.reason.isascii()


@given(st.recursive(st.none() | st.integers() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)))
def test_no_made_up_key_set_is_accepted(jwks: Any) -> None:
    with pytest.raises(JwtError):
        public_keys(jwks)
    with pytest.raises(JwtError):
        public_keys({"keys": [jwks]})


def test_the_kid_chooses_the_key() -> None:
    for key in (KEY, OTHER):
        assert verify(sign({}, key, "x"), KEYS, {"x"}) == {}
    claimed = ECKey.import_key(OTHER.raw_value, {"kid": KEY.kid})
    with pytest.raises(JwtError, match="signature"):
        verify(sign({}, claimed, "x"), KEYS, {"x"})


def test_a_type_may_be_left_out_only_where_that_is_said() -> None:
    bare = jwt.encode({"alg": "ES256", "kid": KEY.kid}, {}, KEY, default_type=None)
    assert verify(bare, KEYS, {"x", None}) == {}
    with pytest.raises(JwtError, match="typ must be x"):
        verify(bare, KEYS, {"x"})


def test_published_keys_hold_no_private_part() -> None:
    assert "d" in KEY.as_dict(private=True)
    assert all("d" not in key for key in public_jwks(KEY, OTHER)["keys"])


def test_the_kid_is_the_thumbprint_of_rfc_7638() -> None:
    # the example key of RFC 7517, appendix A.1
    point = {"x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}
    key = thumbprint_key(ECKey.import_key({"kty": "EC", "crv": "P-256", **point}))
    assert key.kid == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"
