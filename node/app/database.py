"""All connections of a worker to its database, each kind for its own use."""

from __future__ import annotations

from dataclasses import dataclass

from node.auth.uses import ASYNCHRONOUS
from node.ingest.intake.writer import IntakeWriter
from node.settings import Settings
from node.store.arrival_watch import ArrivalWatch
from node.store.pool import Pool, make_pool
from node.store.reading_role import ENTER
from node.store.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Database:
    """Sessions for reading under row security, for recording accesses, for spending what counts once.

    `intake` writes what sensors bring, `arrivals` listens for what is new, `pool` serves all else.
    """

    url: str
    pool: Pool
    reading: Sessions
    recording: Sessions
    spending: Sessions
    intake: IntakeWriter
    arrivals: ArrivalWatch


def wire_database(settings: Settings) -> Database:
    """Nothing is connected yet.

    Raises:
        ValueError: `database_url` is not set.
    """
    url, statement_ms = settings.database_url, settings.limits.statement_ms
    if url is None:
        raise ValueError("create_app needs a database: `verbund serve` starts the embedded one")
    size = settings.pool_size
    return Database(
        url,
        make_pool(url, size=size, statement_ms=statement_ms),
        Sessions(url, size=size, statement_ms=statement_ms, name="verbund-read", on_open=[ENTER]),
        Sessions(url, size=1, statement_ms=statement_ms, name="verbund-log"),
        Sessions(url, size=2, statement_ms=statement_ms, name="verbund-auth", on_open=[ASYNCHRONOUS]),
        IntakeWriter(url),
        ArrivalWatch(url),
    )
