"""Kept receipts, checked again long afterwards."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import ECKey

from federation.jose import public_jwks, thumbprint_key
from federation.receipts import Receipt, digest, make_receipt
from federation.trust.former_keys import FormerKey, KnownKey, NamedKey, known_keys
from node.audit.receipts import KeptReceipt, Parties, flaw

OWNER, HOME = "https://daten.wetzlar.example", "https://daten.offenbach.example"
KEY, OTHER = (thumbprint_key(ECKey.generate_key("P-256")) for _ in range(2))
JWK = public_jwks(KEY)["keys"][0]
AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
SECOND = int(AT.timestamp())
BODY = b'{"query":"{ a }"}'


def signed(key: ECKey = KEY, iat: int = SECOND, **over) -> str:
    stated = {"iss": OWNER, "aud": HOME, "request": digest(BODY), **over}
    return make_receipt(Receipt(iat=iat, response=digest(b"{}"), proof=digest(b"p"), trace_id="ab" * 16, **stated), key)


ONE = KeptReceipt("ab" * 16, AT, hashlib.sha256(BODY).digest(), signed())


def keys(*former: FormerKey, named_until: int = SECOND - 900) -> dict[str, KnownKey]:
    return known_keys([NamedKey(JWK["kid"], JWK, SECOND - 900, named_until)], {one.kid: one for one in former})


def check(one: KeptReceipt, known: dict[str, KnownKey]) -> str | None:
    return flaw(one, known, Parties(OWNER, HOME))


def test_it_holds():
    assert check(ONE, keys()) is None


def test_it_holds_after_its_key_was_rotated_or_revoked():
    assert check(ONE, keys(FormerKey(JWK["kid"], JWK, SECOND + 1))) is None
    assert check(ONE, keys(FormerKey(JWK["kid"], JWK, SECOND + 90_000, SECOND + 5))) is None


def test_it_holds_though_nothing_of_the_key_was_kept():
    assert check(ONE, known_keys([], {JWK["kid"]: FormerKey(JWK["kid"], JWK, SECOND + 1)})) is None


def test_what_came_after_the_key_was_revoked_proves_nothing_whatever_its_time():
    """Whoever stole the key puts an old time into a receipt. Our own log knows when it came."""
    revoked = keys(FormerKey(JWK["kid"], JWK, SECOND + 90_000, SECOND + 5))
    late = replace(ONE, recorded_at=AT + timedelta(seconds=100))
    assert check(late, revoked) == "its key was revoked before this city got it"
    assert (
        check(replace(late, receipt=signed(iat=SECOND - 500)), keys()) == "it was not made when this city recorded it"
    )


def test_what_came_after_the_key_was_replaced():
    assert check(ONE, keys(FormerKey(JWK["kid"], JWK, SECOND - 90))) == "its key was replaced before this city got it"


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"receipt": None}, "no receipt"),
        ({"receipt": signed(OTHER)}, "nothing is known of the key"),
        ({"receipt": signed()[:-8] + "AAAAAAAA"}, "signature is wrong"),
        ({"receipt": "rubbish"}, "not a signed JWT"),
        ({"receipt": signed(iss=HOME)}, "of another owner"),
        ({"receipt": signed(aud=OWNER)}, "for another node"),
        ({"receipt": signed(request=digest(b"{}"))}, "for another request"),
        ({"request": None}, "for another request"),
    ],
)
def test_what_does_not_hold_is_told(over, reason):
    assert reason in str(check(replace(ONE, **over), keys()))
