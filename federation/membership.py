"""Who belongs to the federation now, where, and with which keys. Pure data.

A `Membership` is made by `federation.trust.assembly` from proven statements alone, or stands for a node that has not
joined. Not handled here: proof, fetching, the clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from joserfc.jwk import KeySet

from federation.errors import MembershipError
from federation.jose import public_keys
from federation.subjects import MEMBER_ID, is_issuer

MAX_MEMBERS = 5_000
AGS = re.compile(r"[0-9]{8}")


class MemberStatus(StrEnum):
    """A suspended member stays listed, so that its id is not given away, and is trusted with nothing."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True)
class Member:
    """A city of the federation. `jwks` holds the public keys with which its node signs (RFC 7517).

    As long as the node's entity configuration can't be had, `jwks` is empty: then nothing proves what it says.
    """

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
        """`jwks`, ready for checking signatures; an empty set proves nothing."""
        return public_keys(self.jwks) if self.jwks.get("keys") else KeySet([])

    def has_key(self, kid: object) -> bool:
        """True if a key of this id is known."""
        return any(key.kid == kid for key in self.keys.keys)


@dataclass(frozen=True)
class Membership:
    """All members. `digest` is another one whenever a member, its issuer or its status is."""

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


def check_names(member_id: str, name: str, ags: str | None, issuer: str) -> None:
    """Check the form of what names a member.

    Raises:
        MembershipError: the text names the field and what it must be.
    """
    if not MEMBER_ID.fullmatch(member_id):
        raise MembershipError(f"member {member_id[:40]!a}: the id must be small letters, digits and hyphens")
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise MembershipError(f"member {member_id}: the name must be 1 to 200 printable characters")
    if ags is not None and not AGS.fullmatch(ags):
        raise MembershipError(f"member {member_id}: ags must be the 8 digits of the official municipality key")
    if not is_issuer(issuer):
        raise MembershipError(f"member {member_id}: the issuer must be https://host, with no path and no final slash")
