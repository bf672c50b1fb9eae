"""The membership list that this node goes by: the signed one, or, before it has joined, itself alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from federation.membership import Member, Membership, MemberStatus
from federation.membership_file import MembershipFile
from node.auth.identity import NodeIdentity
from node.settings import Settings


class Members:
    """The current membership list."""

    def __init__(self, settings: Settings, identity: NodeIdentity) -> None:
        self._settings = settings
        self._alone = _alone(settings, identity)
        self._joined = False  # once joined, a missing list is a fault, not a way back to standing alone
        self._file = MembershipFile(
            settings.membership_file, settings.anchor_file, allow_plain_http=settings.unsafe_plain_http
        )

    def current(self) -> Membership:
        """The list that is valid now.

        Raises:
            MembershipError: the node belongs to a federation, but the list can't be relied on.
        """
        self._joined = self._joined or self._has_joined()
        if self._joined:
            return self._file.current()
        return self._alone

    def _has_joined(self) -> bool:
        return self._settings.anchor_file.exists() or self._settings.membership_file.exists()


def own_member(settings: Settings, identity: NodeIdentity) -> Member:
    """This node's own entry, as an anchor would sign it."""
    return Member(
        id=settings.city,
        name=settings.name,
        ags=settings.ags,
        issuer=settings.issuer,
        jwks=identity.jwks,
        status=MemberStatus.ACTIVE,
    )


def _alone(settings: Settings, identity: NodeIdentity) -> Membership:
    now = datetime.now(UTC)
    return Membership(
        members=(own_member(settings, identity),),
        issued_at=now,
        expires_at=now + timedelta(days=36_500),
        digest="alone",
    )
