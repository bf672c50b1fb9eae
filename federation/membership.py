"""The membership list: who belongs to the federation, where, and with which keys. Pure.

The list is a JWS that an office chosen by the members signs; no node trusts another one beyond it. A `Membership` comes
from `verify_membership` alone, so whoever holds one holds a proven list. Not handled here: files, the clock.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec
from joserfc.jwk import ECKey, KeySet

from federation.errors import MembershipError
from federation.jose import JwtError, public_jwks, public_keys, sign, verify
from federation.subjects import MEMBER_ID, is_issuer

TYP = "membership+jwt"
MAX_LIST_BYTES = 8_000_000
MAX_MEMBERS = 5_000
MAX_LIFETIME = timedelta(days=366)
CLOCK_SKEW = timedelta(seconds=60)
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
AGS = re.compile(r"\d{8}")


class MemberStatus(StrEnum):
    """A suspended member stays listed, so that its id is not given away, and is trusted with nothing."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True)
class Member:
    """A city of the federation. `jwks` holds the public keys with which its node signs (RFC 7517)."""

    id: str
    name: str
    ags: str | None
    issuer: str
    jwks: dict[str, Any] = field(hash=False)
    status: MemberStatus = MemberStatus.ACTIVE

    @property
    def is_active(self) -> bool:
        """True if the member is trusted now."""
        return self.status is MemberStatus.ACTIVE

    @cached_property
    def keys(self) -> KeySet:
        """`jwks`, ready for checking signatures."""
        return public_keys(self.jwks)


@dataclass(frozen=True)
class Membership:
    """A verified list. `digest` is the SHA-256 of the signed list in hex; it names this very list in logs."""

    members: tuple[Member, ...]
    issued_at: datetime
    expires_at: datetime
    digest: str

    def by_id(self, member_id: str) -> Member | None:
        """The member with this id."""
        return self._ids.get(member_id)

    def by_issuer(self, issuer: str) -> Member | None:
        """The member whose node is this issuer."""
        return self._issuers.get(issuer)

    @cached_property
    def _ids(self) -> dict[str, Member]:
        return {member.id: member for member in self.members}

    @cached_property
    def _issuers(self) -> dict[str, Member]:
        return {member.issuer: member for member in self.members}


class _Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    id: str
    name: str
    issuer: str
    jwks: dict[str, Any]
    status: MemberStatus
    ags: str | None = None


class _List(msgspec.Struct):
    iat: int
    exp: int
    members: list[_Entry]


def sign_membership(members: Sequence[Member], anchor_key: ECKey, issued_at: datetime, lifetime: timedelta) -> bytes:
    """The list as a compact JWS (ES256, `typ` membership+jwt), valid from `issued_at` for `lifetime`.

    Raises:
        MembershipError: a member is malformed or occurs twice, or the lifetime is longer than a year.
    """
    checked = _checked(members)
    start = int(issued_at.timestamp())
    end = start + int(lifetime.total_seconds())
    _check_period(start, end)
    entries = [_Entry(**{name: getattr(member, name) for name in _Entry.__struct_fields__}) for member in checked]
    return sign(msgspec.to_builtins(_List(start, end, entries)), anchor_key, TYP).encode()


def verify_membership(token: bytes, anchor_jwks: object, now: datetime) -> Membership:
    """The list in `token`, if a key of the anchor signed it and it is valid at `now` (with a time zone).

    Raises:
        MembershipError: the reason says what is wrong: key, signature, type, time, or which member.
    """
    token = token.strip()
    try:
        claims = verify(token, _anchor_keys(anchor_jwks), {TYP}, MAX_LIST_BYTES)
    except JwtError as error:
        raise MembershipError(f"the membership list is not accepted: {error.reason}") from None
    try:
        listed = msgspec.convert(claims, _List)
    except msgspec.ValidationError as error:
        raise MembershipError(f"the membership list is malformed: {error}") from None
    _check_period(listed.iat, listed.exp)
    issued_at, expires_at = (datetime.fromtimestamp(second, UTC) for second in (listed.iat, listed.exp))
    if issued_at > now + CLOCK_SKEW:
        raise MembershipError(f"the membership list is issued in the future ({issued_at:%Y-%m-%d %H:%M:%SZ})")
    if expires_at <= now:
        raise MembershipError(expired(expires_at))
    members = _checked(
        Member(entry.id, entry.name, entry.ags, entry.issuer, entry.jwks, entry.status) for entry in listed.members
    )
    return Membership(members, issued_at, expires_at, hashlib.sha256(token).hexdigest())


def checked_member(member: Member) -> Member:
    """The member with its keys brought to the form of `public_jwks`.

    Raises:
        MembershipError: a field is malformed, or the keys are not public P-256 keys.
    """
    if not MEMBER_ID.fullmatch(member.id):
        raise MembershipError(f"member {member.id[:40]!a}: the id must be small letters, digits and hyphens")
    if not member.name.strip() or len(member.name) > 200 or not member.name.isprintable():
        raise MembershipError(f"member {member.id}: the name must be 1 to 200 printable characters")
    if member.ags is not None and not (member.ags.isascii() and AGS.fullmatch(member.ags)):
        raise MembershipError(f"member {member.id}: ags must be the 8 digits of the official municipality key")
    if not is_issuer(member.issuer):
        raise MembershipError(f"member {member.id}: the issuer must be https://host, with no path and no final slash")
    try:
        keys = [key for key in public_keys(member.jwks).keys if isinstance(key, ECKey)]
    except JwtError as error:
        raise MembershipError(f"member {member.id}: {error.reason}") from None
    return Member(member.id, member.name, member.ags, member.issuer, public_jwks(*keys), member.status)


def expired(expires_at: datetime) -> str:
    """The reason why a list is not used any more."""
    return f"the membership list ended on {expires_at:%Y-%m-%d %H:%M:%SZ}: get the current one from the anchor"


def _checked(members: Iterable[Member]) -> tuple[Member, ...]:
    ids: set[str] = set()
    issuers: set[str] = set()
    checked = []
    for member in members:
        if member.id in ids or member.issuer in issuers:
            raise MembershipError(f"member {member.id[:40]!a}: its id or issuer is listed twice")
        ids.add(member.id)
        issuers.add(member.issuer)
        checked.append(checked_member(member))
        if len(checked) > MAX_MEMBERS:
            raise MembershipError(f"the membership list has more than {MAX_MEMBERS} members")
    return tuple(checked)


def _check_period(start: int, end: int) -> None:
    if not 0 <= start < end <= start + MAX_LIFETIME.total_seconds() or end > LAST_SECOND:
        raise MembershipError(f"the membership list must be valid for more than 0 and at most {MAX_LIFETIME.days} days")


def _anchor_keys(anchor_jwks: object) -> KeySet:
    try:
        return public_keys(anchor_jwks)
    except JwtError as error:
        raise MembershipError(f"the anchor's key set is not usable: {error.reason}") from None
