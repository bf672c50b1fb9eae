"""Former keys of a node (OpenID Federation 1.0 §8.7): the signed list of those that sign no more. Pure.

With it a receipt can be checked long after its key was rotated or revoked. What a city has said of its keys it can't
take back: a key counts at least until the last of its configurations that named it, as the asking node has kept it.
Not handled here: fetching, what was signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from joserfc.jwk import ECKey

from federation.errors import MembershipError
from federation.jose import JwtError, public_key, sign, verify
from federation.trust.statements import CLOCK_SKEW, Second, Text, key_set

TYP = "jwk-set+jwt"
MEDIA_TYPE = "application/jwk-set+jwt"
PATH = "/federation/historical-keys"
ENDPOINT = "federation_historical_keys_endpoint"
MAX_KEYS = 400  # of both uses; the latest are listed
MAX_BYTES = 262_144
REASON = "unspecified"  # of the three that the specification has; why a key was revoked is the city's own matter


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A public key that signs no more since `ended_at`. `revoked_at`: it was taken out of use (seconds since 1970)."""

    kid: str
    jwk: dict[str, Any]
    ended_at: int
    revoked_at: int | None = None

    @property
    def counted_until(self) -> int:
        """Nothing counts that it signed later."""
        return self.ended_at if self.revoked_at is None else min(self.ended_at, self.revoked_at)


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key that a node named in its configurations, from the first until the last that we have seen (`iat`)."""

    kid: str
    jwk: dict[str, Any]
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key with which something old can be checked. `counted_until` None: it was never taken back."""

    key: ECKey
    counted_until: int | None
    is_revoked: bool

    def counts_at(self, second: int) -> bool:
        """True if what it signed at this time counts."""
        return self.counted_until is None or second <= self.counted_until + int(CLOCK_SKEW.total_seconds())


class _Revoked(msgspec.Struct):
    revoked_at: Second


class _Key(msgspec.Struct):
    kid: Text
    kty: Text
    crv: Text
    x: Text
    y: Text
    exp: Second
    revoked: _Revoked | None = None


class _List(msgspec.Struct):
    iss: Text
    iat: Second
    keys: Annotated[list[_Key], msgspec.Meta(max_length=MAX_KEYS)]


def sign_former_keys(issuer: str, former: Iterable[FormerKey], key: ECKey, now: datetime) -> str:
    """The list, signed with a federation key."""
    latest = sorted(former, key=lambda one: one.ended_at)[-MAX_KEYS:]
    claims = {"iss": issuer, "iat": int(now.timestamp()), "keys": [_members(one) for one in latest]}
    return sign(claims, key, TYP)


def read_former_keys(
    token: str | bytes, issuer: str, vouched_jwks: dict[str, Any], now: datetime
) -> dict[str, FormerKey]:
    """The former keys of `issuer` by kid, if one of the federation keys that are vouched for signed the list.

    Raises:
        MembershipError: the reason says what is wrong.
    """
    try:
        claims = verify(token, key_set(vouched_jwks), {TYP}, MAX_BYTES)
        stated = msgspec.convert(claims, _List)
        found = [_former(one) for one in stated.keys]
    except JwtError as error:
        raise MembershipError(f"the list of former keys is not accepted: {error.reason}") from None
    except (msgspec.ValidationError, RecursionError):
        raise MembershipError("the list of former keys is malformed") from None
    if stated.iss != issuer:
        raise MembershipError("the list of former keys is another node's")
    if stated.iat > (now + CLOCK_SKEW).timestamp():
        raise MembershipError("the list of former keys is issued in the future")
    if len({one.kid for one in found}) < len(found):
        raise MembershipError("the list of former keys names a key twice")
    return {one.kid: one for one in found}


def known_keys(named: Iterable[NamedKey], former: Mapping[str, FormerKey]) -> dict[str, KnownKey]:
    """The keys with which what a node signed can be checked, by kid: from what we have kept, and from what it lists."""
    found = {one.kid: _known(one.jwk, former.get(one.kid), one.until) for one in named}
    return {kid: _known(one.jwk, one, None) for kid, one in former.items()} | found


def _known(jwk: dict[str, Any], former: FormerKey | None, named_until: int | None) -> KnownKey:
    """`jwk` is the kept one where there is one: a list can't put another key under its name."""
    key = public_key(jwk, jwk["kid"])
    if former is None:
        return KnownKey(key, None, is_revoked=False)
    until = former.counted_until if named_until is None else max(former.counted_until, named_until)
    return KnownKey(key, until, is_revoked=former.revoked_at is not None)


def _members(one: FormerKey) -> dict[str, Any]:
    revoked = {} if one.revoked_at is None else {"revoked": {"revoked_at": one.revoked_at, "reason": REASON}}
    return {**one.jwk, "exp": one.ended_at, **revoked}


def _former(one: _Key) -> FormerKey:
    jwk = {"kty": one.kty, "crv": one.crv, "x": one.x, "y": one.y, "kid": one.kid, "use": "sig", "alg": "ES256"}
    public_key(jwk, one.kid)
    return FormerKey(one.kid, jwk, one.exp, None if one.revoked is None else one.revoked.revoked_at)
