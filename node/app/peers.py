"""The other nodes: who they are, how they do, and how they are asked."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import GraphQLSchema

from federation.client import PeerBounds, PeerClient
from federation.fanout import Fanout
from federation.foreign import ForeignSchemas, fetched_by
from federation.health.peers import PeerHealths
from federation.patience import PatientClient
from federation.shape import Shapes
from federation.summaries import Summaries
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from node.auth.identity import NodeIdentity
from node.members import Members, peer_transport
from node.members import fetched_by as statements_fetched_by
from node.settings import Settings
from node.store.pool import Pool
from node.store.trust import PostgresTrustStore


@dataclass(frozen=True, slots=True)
class Peers:
    """`waiting`, `patient` and `patient_fanout` are for questions that wait for what has yet to arrive.

    They must not hold up those that are answered now.
    """

    members: Members
    transport: PeerTransport
    waiting: PeerTransport
    tokens: PeerTokens
    healths: PeerHealths
    summaries: Summaries
    client: PeerClient
    patient: PatientClient
    foreign: ForeignSchemas
    fanout: Fanout
    patient_fanout: Fanout


def wire_peers(settings: Settings, identity: NodeIdentity, pool: Pool, schema: GraphQLSchema, sdl: str) -> Peers:
    """`sdl` is what `schema` is published as.

    Raises:
        SettingsError: `ca_file` can't be used.
    """
    limits = settings.limits
    transport, waiting = peer_transport(settings), peer_transport(settings)
    members = Members(settings, statements_fetched_by(transport), PostgresTrustStore(pool))
    tokens = PeerTokens(identity.issuer, lambda: identity.signing_key, transport)
    healths = PeerHealths(limits.peers_at_once)
    summaries = Summaries(settings.city, members.current, transport, tokens, settings.summaries_every_s, healths)
    bounds = PeerBounds(limits.peer_ms / 1000, limits.peer_bytes)
    client = PeerClient(transport, tokens, bounds, healths, members.renewed, summaries.heard)
    patient = PatientClient(waiting, tokens, bounds, PeerHealths(limits.subscriptions), members.renewed)
    foreign = ForeignSchemas(sdl, fetched_by(transport))
    return Peers(
        members=members,
        transport=transport,
        waiting=waiting,
        tokens=tokens,
        healths=healths,
        summaries=summaries,
        client=client,
        patient=patient,
        foreign=foreign,
        fanout=Fanout(client, Shapes(schema), schema, foreign),
        patient_fanout=Fanout(patient, Shapes(schema), schema, foreign),
    )
