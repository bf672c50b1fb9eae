"""What fills the ports of `schema`: the road to data, who is who, what stewards and auditors do, the road in."""

from __future__ import annotations

from dataclasses import dataclass

from node.agreeing import Agreeing
from node.app.audit import Audit
from node.app.database import Database
from node.app.peers import Peers
from node.directory import NodeDirectory
from node.gate import Auditing, CityGate, Decisions, Explainer, FollowLimits, Governance, Live, OwnData
from node.ingest.intake.service import ObservationIntake
from node.members import own_member, peer_transport
from node.settings import Settings
from node.store.limits import PageLimits
from node.store.reader import Reader
from node.telemetry.counts import Counts
from schema.ports import Directory, Gate, Intake, Stewardship


@dataclass(frozen=True, slots=True)
class Ports:
    """See `schema.ports`."""

    gate: Gate
    directory: Directory
    stewardship: Stewardship
    intake: Intake


def wire_ports(
    settings: Settings,
    database: Database,
    peers: Peers,
    audit: Audit,
    decisions: Decisions,
    agreeing: Agreeing,
    counts: Counts,
) -> Ports:
    """The gate decides, reads or asks peers, and records."""
    city, limits, access_log = settings.city, settings.limits, audit.access_log
    membership, why_skip = peers.members.current, peers.summaries.why_skip
    reader = Reader(database.reading, city, PageLimits(limits.observations_page, limits.page, limits.answer_bytes))
    gate = CityGate(
        city=city,
        own=OwnData(city, reader, decisions),
        membership=membership,
        fanout=peers.fanout,
        access_log=access_log,
        why_skip=why_skip,
        log_state=audit.service.states.state,
        live=Live(
            peers.patient_fanout,
            database.arrivals,
            FollowLimits(limits.subscriptions_per_caller, limits.subscriptions),
        ),
    )
    stewardship = Stewardship(
        Explainer(city, decisions, membership, why_skip, peers.fanout, access_log),
        Governance(city, database.url, agreeing, access_log, lambda: peer_transport(settings)),
        Auditing(city, database.url, access_log, statement_ms=limits.statement_ms),
    )
    return Ports(
        gate,
        NodeDirectory(settings, peers.members, own_member(settings), audit.service.states),
        stewardship,
        ObservationIntake(city, database.intake, access_log, counts),
    )
