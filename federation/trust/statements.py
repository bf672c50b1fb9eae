"""Entity statements after OpenID Federation 1.0: what is common to all of them. Pure.

A statement is a JWS with `typ` entity-statement+jwt in which one entity says something of another one, or of itself.
Not handled here: whose keys are trusted, what is said, the network.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from joserfc.jwk import ECKey, KeySet

from federation.errors import MembershipError
from federation.jose import JwtError, public_jwks, public_keys, sign, verify

TYP = "entity-statement+jwt"
MEDIA_TYPE = "application/entity-statement+jwt"
WELL_KNOWN = "/.well-known/openid-federation"
MAX_STATEMENT_BYTES = 32_768
MAX_LIFETIME = timedelta(days=31)
LIFETIME = timedelta(hours=24)
CLOCK_SKEW = timedelta(seconds=60)
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z

Second = Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)]
Text = Annotated[str, msgspec.Meta(max_length=200)]


class Statement(msgspec.Struct, kw_only=True):
    """The claims that every statement has; others are ignored, except those that `crit` names."""

    iss: Text
    sub: Text
    iat: Second
    exp: Second
    jwks: dict[str, Any]
    crit: Annotated[list[Text], msgspec.Meta(max_length=20)] = []


AStatement = TypeVar("AStatement", bound=Statement)


@dataclass(frozen=True)
class Period:
    """When a statement was made, and when it ends."""

    issued_at: datetime
    expires_at: datetime


def sign_statement(statement: dict[str, Any], key: ECKey, issued_at: datetime, lifetime: timedelta) -> str:
    """The statement with `iat` and `exp`, as a compact JWS."""
    start = int(issued_at.timestamp())
    claims = {**statement, "iat": start, "exp": start + int(lifetime.total_seconds())}
    return sign(claims, key, TYP)


def read_statement(
    token: str | bytes,
    kind: type[AStatement],
    keys: KeySet,
    *,
    issuer: str,
    subject: str | None,
    now: datetime,
    understood: Collection[str] = (),
) -> tuple[AStatement, Period]:
    """The claims of a statement of `issuer` about `subject` (None: about anybody) that one of `keys` signed.

    It must be valid at `now`: a clock ahead of ours is forgiven a minute, and nothing is forgiven at the end.

    Raises:
        MembershipError: the reason says what is wrong, without foreign text.
    """
    try:
        claims = verify(token, keys, {TYP}, MAX_STATEMENT_BYTES)
    except JwtError as error:
        raise MembershipError(f"the statement is not accepted: {error.reason}") from None
    try:
        statement = msgspec.convert(claims, kind)
    except (msgspec.ValidationError, RecursionError):
        raise MembershipError("the statement is malformed: a claim is missing or of the wrong type") from None
    if statement.iss != issuer:
        raise MembershipError("the statement's iss is another entity than the one that was asked")
    if subject is not None and statement.sub != subject:
        raise MembershipError("the statement's sub is another entity than the one that was asked for")
    if set(statement.crit) - set(understood):
        raise MembershipError("the statement has critical claims that this version does not know: upgrade the node")
    return statement, _valid_period(statement, now)


def checked_keys(jwks: object) -> dict[str, Any]:
    """A key set in the form of `public_jwks`.

    Raises:
        MembershipError: other kinds of keys, private parts, a missing or repeated `kid`.
    """
    try:
        return public_jwks(*(key for key in public_keys(jwks).keys if isinstance(key, ECKey)))
    except JwtError as error:
        raise MembershipError(f"a key set is not usable: {error.reason}") from None


def key_set(jwks: dict[str, Any]) -> KeySet:
    """`jwks`, ready for checking signatures; an empty set proves nothing. Raises MembershipError as `checked_keys`."""
    try:
        return public_keys(jwks) if jwks.get("keys") else KeySet([])
    except JwtError as error:
        raise MembershipError(f"a key set is not usable: {error.reason}") from None


def moment(second: int) -> datetime:
    """Seconds since 1970 as a time."""
    return datetime.fromtimestamp(second, UTC)


def _valid_period(statement: Statement, now: datetime) -> Period:
    period = Period(moment(statement.iat), moment(statement.exp))
    if not timedelta() < period.expires_at - period.issued_at <= MAX_LIFETIME:
        raise MembershipError(f"the statement must be valid for more than 0 and at most {MAX_LIFETIME.days} days")
    if period.issued_at > now + CLOCK_SKEW:
        raise MembershipError(f"the statement is issued in the future ({period.issued_at:%Y-%m-%d %H:%M:%SZ})")
    if period.expires_at <= now:
        raise MembershipError(f"the statement ended on {period.expires_at:%Y-%m-%d %H:%M:%SZ}")
    return period
