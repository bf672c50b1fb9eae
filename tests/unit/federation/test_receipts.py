"""Receipts: what an owner signed is found again, and nothing else passes for it."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from federation import receipts
from federation.jose import public_jwks, public_keys, sign, thumbprint_key
from federation.receipts import Exchange, Receipt, ReceiptError, digest, make_receipt, verify_receipt

OWNER, HOME = "https://daten.wetzlar.example", "https://daten.offenbach.example"
KEY, OTHER = (thumbprint_key(ECKey.generate_key("P-256")) for _ in range(2))
KEYS = public_keys(public_jwks(KEY))
TRACE = "0123456789abcdef" * 2
SENT = Exchange(b'{"query":"{ a }"}', b'{"data":{"a":1}}', "head.body.signature", TRACE)
NOW = int(time.time())


def receipt(**over: Any) -> Receipt:
    made = Receipt(
        iss=OWNER,
        aud=HOME,
        iat=NOW,
        request=digest(SENT.request),
        response=digest(SENT.response),
        proof=digest(SENT.proof.encode()),
        trace_id=TRACE,
        entries=("17",),
        policy_version="3f2a",
        obligations=("at least 5 per count",),
    )
    return msgspec.structs.replace(made, **over)


def check(token: str | None, exchange: Exchange = SENT, now: float = NOW) -> Receipt:
    return verify_receipt(token, KEYS, owner=OWNER, home=HOME, exchange=exchange, now=now)


def test_what_was_signed_is_found_again() -> None:
    assert check(make_receipt(receipt(), KEY)) == receipt()


def test_no_receipt() -> None:
    with pytest.raises(ReceiptError, match="no receipt"):
        check(None)


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"iss": HOME}, "another owner"),
        ({"aud": "https://daten.fulda.example"}, "another node"),
        ({"iat": NOW - 61}, "clocks"),
        ({"iat": NOW + 61}, "clocks"),
        ({"request": digest(b"x")}, "another request"),
        ({"trace_id": "f" * 32}, "another request"),
        ({"proof": digest(b"x")}, "swapped"),
        ({"response": digest(b"x")}, "another answer"),
    ],
)
def test_a_receipt_of_something_else(over: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReceiptError, match=reason):
        check(make_receipt(receipt(**over), KEY))


def test_answers_swapped_between_two_requests_with_the_same_body() -> None:
    other = msgspec.structs.replace(SENT, proof="another.proof.altogether", response=b'{"data":{"a":2}}')
    theirs = make_receipt(receipt(proof=digest(other.proof.encode()), response=digest(other.response)), KEY)
    assert check(theirs, other)
    with pytest.raises(ReceiptError, match="swapped"):
        check(theirs, msgspec.structs.replace(other, proof=SENT.proof))
    with pytest.raises(ReceiptError, match="another answer"):
        check(make_receipt(receipt(), KEY), msgspec.structs.replace(SENT, response=other.response))


def test_another_key() -> None:
    with pytest.raises(ReceiptError, match="kid"):
        check(make_receipt(receipt(), OTHER))


def test_another_type_signed_by_the_owner() -> None:
    with pytest.raises(ReceiptError, match="typ"):
        check(sign(msgspec.to_builtins(receipt()), KEY, "summary+jwt"))


@pytest.mark.parametrize(
    "over",
    [
        {"iat": "now"},
        {"request": "short"},
        {"trace_id": "x"},
        {"entries": ["a b"]},
        {"entries": ["x"] * 21},
        {"obligations": ["line\nbreak"]},
        {"obligations": "all"},
        {"policy_version": "x" * 101},
        {"iss": None},
    ],
)
def test_a_malformed_receipt(over: dict[str, Any]) -> None:
    with pytest.raises(ReceiptError, match="malformed"):
        check(sign(msgspec.to_builtins(receipt()) | over, KEY, receipts.TYP))


def test_a_huge_receipt() -> None:
    with pytest.raises(ReceiptError, match="6000 bytes"):
        check(sign(msgspec.to_builtins(receipt()) | {"more": "x" * 5_000}, KEY, receipts.TYP))


def test_the_largest_receipt_fits_into_a_header() -> None:
    full = receipt(
        iss="https://" + "i" * 192, aud="https://" + "a" * 192, policy_version="v" * 100, entries=("e" * 43,) * 20,
        obligations=("o" * 100,) * 20,
    )  # fmt: skip
    assert len(make_receipt(full, KEY)) <= receipts.MAX_BYTES


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
def test_any_text_is_refused_and_nothing_breaks(text: str) -> None:
    with pytest.raises(ReceiptError):
        check(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(Receipt.__struct_fields__), _JSON))
def test_any_claims_that_the_owner_signs_are_refused_and_nothing_breaks(claims: dict[str, Any]) -> None:
    with pytest.raises(ReceiptError):
        check(sign(msgspec.to_builtins(receipt()) | {"response": digest(b"x")} | claims, KEY, receipts.TYP))
