"""What is recorded, and the log over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from federation.membership import Membership
from federation.transport import PeerTransport
from node.app.database import Database
from node.audit.figures import counting
from node.audit.log import AccessLog
from node.audit.security import SecurityLog
from node.audit.service import LogService
from node.auth.log_keys import NodeLogKeys, load_log_keys
from node.settings import Settings
from node.telemetry.counts import Counts


@dataclass(frozen=True, slots=True)
class Audit:
    """`access_log` and `security_log` take records; `service` keeps the tree over them, which `keys` sign."""

    keys: NodeLogKeys
    service: LogService
    access_log: AccessLog
    security_log: SecurityLog


def wire_audit(
    settings: Settings,
    database: Database,
    transport: PeerTransport,
    membership: Callable[[], Membership],
    counts: Counts,
) -> Audit:
    """`counts` gets what is recorded.

    Raises:
        KeyFileError: the log's keys can't be used.
    """
    keys = load_log_keys(settings)
    access_log = AccessLog(database.recording, coming=lambda: database.reading.busy, counted=counting(counts))
    return Audit(
        keys,
        LogService(settings, database.pool, transport, membership, lambda: keys.log, lambda: keys.witness),
        access_log,
        SecurityLog(access_log),
    )
