"""What an anchor says: its entity configuration, and a statement about each member. Pure.

The configuration names all statements by one digest. So it alone is fresh or old, and with it everything that the
anchor says: no statement can be left out, put back, or taken from another day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from joserfc.jwk import ECKey

from federation.errors import MembershipError
from federation.jose import JwtError, read_unverified
from federation.membership import MAX_MEMBERS, MemberStatus, check_names
from federation.trust.statements import (
    MAX_STATEMENT_BYTES,
    Period,
    Second,
    Statement,
    checked_keys,
    key_set,
    moment,
    read_statement,
    sign_statement,
)

MAX_DOCUMENT_BYTES = 16_000_000
FETCH_PATH = "/federation/fetch"
LIST_PATH = "/federation/list"
MEMBER_CLAIM = "verbund_member"
DIGEST_CLAIM = "verbund_members_sha256"


@dataclass(frozen=True)
class Vouched:
    """What an anchor vouches for: this city, at this issuer, with these federation keys, in this time.

    `valid_until` None: until further notice.
    """

    id: str
    name: str
    ags: str | None
    issuer: str
    jwks: dict[str, Any]
    status: MemberStatus
    valid_from: datetime
    valid_until: datetime | None = None

    def is_member_at(self, now: datetime) -> bool:
        """True from `valid_from` until `valid_until`."""
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True)
class AnchorConfiguration:
    """A proven configuration. `jwks`: its keys, now and next. `digest`: SHA-256 of the members document, in hex."""

    entity: str
    jwks: dict[str, Any]
    digest: str
    period: Period


@dataclass(frozen=True)
class AnchorView:
    """All that an anchor says at a time."""

    configuration: AnchorConfiguration
    members: tuple[Vouched, ...]


class _MemberClaim(msgspec.Struct, rename={"since": "from"}, omit_defaults=True):
    id: str
    name: str
    status: MemberStatus
    since: Second
    until: Second | None = None
    ags: str | None = None


class _Subordinate(Statement, kw_only=True):
    verbund_member: _MemberClaim


class _Anchor(Statement, kw_only=True):
    verbund_members_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


def document_path(digest: str) -> str:
    """Where the anchor publishes the members document."""
    return f"/federation/members/{digest}.json"


def sign_anchor(
    entity: str, name: str, key: ECKey, jwks: dict[str, Any], digest: str, now: datetime, lifetime: timedelta
) -> str:
    """The anchor's configuration, signed with `key`; `jwks` are all that it has, the next one too."""
    claims = {
        "iss": entity,
        "sub": entity,
        "jwks": jwks,
        "metadata": {
            "federation_entity": {
                "organization_name": name,
                "federation_fetch_endpoint": f"{entity}{FETCH_PATH}",
                "federation_list_endpoint": f"{entity}{LIST_PATH}",
            }
        },
        DIGEST_CLAIM: digest,
    }
    return sign_statement(claims, key, now, lifetime)


def sign_member(entity: str, vouched: Vouched, key: ECKey, now: datetime, lifetime: timedelta) -> str:
    """The subordinate statement about a member.

    If the member is not to be trusted now, `verbund_member` is critical: whoever does not know the claim refuses.
    """
    until = None if vouched.valid_until is None else int(vouched.valid_until.timestamp())
    claim = _MemberClaim(
        vouched.id, vouched.name, vouched.status, int(vouched.valid_from.timestamp()), until, vouched.ags
    )
    trusted = vouched.status is MemberStatus.ACTIVE and vouched.is_member_at(now)
    claims = {
        "iss": entity,
        "sub": vouched.issuer,
        "jwks": vouched.jwks,
        "constraints": {"max_path_length": 0},
        MEMBER_CLAIM: msgspec.to_builtins(claim),
        **({} if trusted else {"crit": [MEMBER_CLAIM]}),
    }
    return sign_statement(claims, key, now, lifetime)


def read_anchor(token: str | bytes, entity: str, trusted_jwks: dict[str, Any], now: datetime) -> AnchorConfiguration:
    """The configuration of the anchor `entity`, if one of the keys that we trust signed it.

    Raises:
        MembershipError: the reason says what is wrong.
    """
    statement, period = read_statement(
        token, _Anchor, key_set(trusted_jwks), issuer=entity, subject=entity, now=now, understood=(DIGEST_CLAIM,)
    )
    jwks = checked_keys(statement.jwks)
    try:
        kid = read_unverified(token, MAX_STATEMENT_BYTES).header["kid"]
    except JwtError as error:  # pragma: no cover - it was read before
        raise MembershipError(error.reason) from None
    if kid not in {key["kid"] for key in jwks["keys"]}:
        raise MembershipError("the anchor's configuration does not hold the key that signed it")
    return AnchorConfiguration(entity, jwks, statement.verbund_members_sha256, period)


def members_document(statements: Sequence[str]) -> bytes:
    """All statements in one file: a JSON array."""
    return json.dumps(list(statements), separators=(",", ":")).encode()


def read_members(document: bytes, anchor: AnchorConfiguration, now: datetime) -> tuple[Vouched, ...]:
    """What the anchor vouches for, if this is the document that its configuration names.

    Raises:
        MembershipError: the reason says what is wrong, and about which member.
    """
    if hashlib.sha256(document).hexdigest() != anchor.digest:
        raise MembershipError("the members document is not the one that the anchor's configuration names")
    try:
        statements = msgspec.json.decode(document, type=list[str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MembershipError("the members document must be a JSON array of statements") from None
    if len(statements) > MAX_MEMBERS:
        raise MembershipError(f"there are more than {MAX_MEMBERS} members")
    keys = key_set(anchor.jwks)
    found = [_vouched(token, anchor.entity, keys, now) for token in statements]
    for name, values in (("id", [one.id for one in found]), ("issuer", [one.issuer for one in found])):
        if len(set(values)) < len(values):
            raise MembershipError(f"two members have the same {name}")
    return tuple(found)


def _vouched(token: str, entity: str, keys: Any, now: datetime) -> Vouched:
    statement, _ = read_statement(
        token, _Subordinate, keys, issuer=entity, subject=None, now=now, understood=(MEMBER_CLAIM,)
    )
    member = statement.verbund_member
    check_names(member.id, member.name, member.ags, statement.sub)
    try:
        jwks = checked_keys(statement.jwks)
    except MembershipError as error:
        raise MembershipError(f"member {member.id}: {error.reason}") from None
    return Vouched(
        member.id,
        member.name,
        member.ags,
        statement.sub,
        jwks,
        member.status,
        moment(member.since),
        None if member.until is None else moment(member.until),
    )
