"""The members that this node goes by: those that its anchors vouch for, or, before it has joined, itself alone."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

from federation.addresses import public_and
from federation.errors import MembershipError, PeerIncompatible
from federation.jose import public_jwks
from federation.membership import Member, Membership, MemberStatus
from federation.transport import PeerTransport
from federation.trust.keeper import Fetch, TrustKeeper, TrustStore
from federation.trust.node_configuration import Presented, sign_configuration
from federation.trust.pins import read_pins
from federation.trust.state import Trust
from federation.trust.statements import MEDIA_TYPE
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.auth.key_ring import KeyUse
from node.auth.keys import passphrase_of
from node.auth.metadata import server_metadata
from node.settings import Settings, SettingsError
from node.store.trust import read_kept


class Members:
    """The current members. `run` with the node; `keeper` fetches what anchors and nodes say."""

    def __init__(self, settings: Settings, fetch: Fetch, store: TrustStore) -> None:
        self._alone = _alone(settings)
        self.keeper = TrustKeeper(
            Trust(allow_plain_http=settings.unsafe_plain_http),
            settings.anchors_directory,
            settings.issuer,
            fetch,
            store,
            settings.membership_every_s,
        )
        self._joined = False  # once joined, no anchors are a fault, not a way back to standing alone

    def current(self) -> Membership:
        """The members now.

        Raises:
            MembershipError: the node belongs to a federation, but nothing that its anchors say can be relied on.
        """
        self._joined = self._joined or self.keeper.has_joined
        return self.keeper.current() if self._joined else self._alone

    async def learn(self, issuer: str, timeout_s: float) -> None:
        """Ask a member for its keys at once, since it uses one that we do not know."""
        await self.keeper.learn(issuer, timeout_s)

    async def renewed(self, member: Member, timeout_s: float) -> Member:
        """The member as it says that it is now."""
        await self.keeper.learn(member.issuer, timeout_s)
        try:
            return self.current().by_id(member.id) or member
        except MembershipError:
            return member


def own_member(settings: Settings) -> Member:
    """This node's own entry."""
    return Member(settings.city, settings.name, settings.ags, settings.issuer, public_jwks(), MemberStatus.ACTIVE)


def presented(settings: Settings) -> Presented:
    """How this node presents its city."""
    return Presented(settings.city, settings.name, settings.ags)


def describe(settings: Settings) -> str:
    """What this node says of itself, to be sent to an anchor: signed with the oldest key, which the anchor may know.

    Raises:
        KeyFileError: the keys can't be used.
        MembershipError: the anchors' files can't be used.
    """
    keys = NodeKeys(settings.keys_home, passphrase_of(settings))
    now = datetime.now(UTC)
    published = keys.ring.published(KeyUse.FEDERATION, now.timestamp())
    return sign_configuration(
        issuer=settings.issuer,
        presented=presented(settings),
        federation_key=published[0].key,
        federation_jwks=public_jwks(*(held.key for held in published)),
        jwks=keys.jwks,
        server_metadata=server_metadata(NodeIdentity.from_settings(settings, keys)),
        anchors=[pin.entity for pin in read_pins(settings.anchors_directory)],
        now=now,
    )


def kept_membership(settings: Settings, database_url: str) -> Membership:
    """The members that the node has last gone by, for commands; raises MembershipError and psycopg's errors."""
    if not read_pins(settings.anchors_directory):
        return _alone(settings)
    return kept_trust(settings, database_url).current(datetime.now(UTC))


def kept_trust(settings: Settings, database_url: str) -> Trust:
    """What the node has heard and proven, for commands; raises MembershipError and psycopg's errors."""
    trust = Trust(allow_plain_http=settings.unsafe_plain_http)
    for statement in read_kept(database_url):
        trust.restore(statement)
    trust.set_pins(read_pins(settings.anchors_directory))
    return trust


def peer_transport(settings: Settings) -> PeerTransport:
    """The transport to peers and anchors that the settings describe.

    Raises:
        SettingsError: `ca_file` can't be used.
    """
    allows = public_and(settings.peer_networks, loopback=settings.unsafe_plain_http)
    return PeerTransport(ssl_context=authorities(settings), allows=allows)


def authorities(settings: Settings) -> ssl.SSLContext | None:
    """Who is trusted to vouch for servers' names; None: the system's authorities.

    Raises:
        SettingsError: `ca_file` can't be used.
    """
    if settings.ca_file is None:
        return None
    path = settings.home / settings.ca_file
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or "it holds no certificate"
        raise SettingsError([f"ca_file: {path} can't be used ({why}). Use a file with certificates in PEM"]) from None


def fetched_by(transport: PeerTransport) -> Fetch:
    """Fetches statements over HTTP."""

    async def fetch(url: str, timeout_s: float, max_bytes: int) -> bytes:
        headers: dict[str, Any] = {"Accept": f"{MEDIA_TYPE}, application/json"}
        response = await transport.get(url, headers=headers, timeout_s=timeout_s, max_bytes=max_bytes)
        if response.status != 200:
            raise PeerIncompatible(f"it answered with HTTP status {response.status}")
        return response.body

    return fetch


def _alone(settings: Settings) -> Membership:
    now = datetime.now(UTC)
    return Membership((own_member(settings),), now, now + timedelta(days=36_500), "alone")
