"""What this process knows of its own log and of the others', kept in memory and read again every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg_pool import PoolTimeout

from node.audit.witness import LogState, Witnessed, WitnessStore
from node.store.pool import Pool

log = logging.getLogger("verbund.audit")
EVERY_S = 2.0

_OWN = """
with cosigned as (select cosigned_at from log_checkpoint where cosigned_at is not null order by size desc limit 1)
select (select size from log_checkpoint order by size desc limit 1),
       coalesce((select cosigned_at from cosigned), (select min(at) from log_checkpoint where cosigned_at is null)),
       (select cosigned_at from cosigned)
"""


@dataclass(frozen=True, slots=True)
class OwnLog:
    """This node's log: its size, when a quorum had last cosigned it, and since when it has lacked one."""

    size: int = 0
    cosigned_at: datetime | None = None
    since: datetime | None = None


class LogStates:
    """The states of all logs. `stop_after`: how long data is shared without a quorum of witnesses."""

    def __init__(self, pool: Pool, city: str, stop_after: timedelta) -> None:
        self._pool = pool
        self._store = WitnessStore(pool)
        self._city = city
        self._stop_after = stop_after
        self.own = OwnLog()
        self._others: Mapping[str, Witnessed] = {}

    def of(self, city: str) -> Witnessed | None:
        """What is known of another city's log."""
        return self._others.get(city)

    def state(self, city: str) -> LogState:
        """The state of a city's log, as this node sees it; its own is told by its witnesses."""
        if city == self._city:
            return LogState.CONSISTENT if self.shares else LogState.SILENT
        seen = self._others.get(city)
        return LogState.UNKNOWN if seen is None else seen.shown(datetime.now(UTC))

    def broken(self) -> Iterator[tuple[str, LogState, str]]:
        """City, state and reason of the logs that were caught."""
        for city, seen in sorted(self._others.items()):
            if seen.state.is_broken:
                yield city, seen.state, seen.reason or ""

    @property
    def shares(self) -> bool:
        """False once no quorum has cosigned for too long: shared data does not leave then."""
        since = self.own.since
        return since is None or datetime.now(UTC) - since <= self._stop_after

    async def keep(self) -> None:
        """Read again and again, until cancelled."""
        while True:
            try:
                await self.refresh()
            except (psycopg.Error, PoolTimeout) as error:
                log.info("the state of the logs can't be read: %s", type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def refresh(self) -> None:
        """Read once. Raises psycopg.Error or PoolTimeout."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_OWN)).fetchone()
        assert row is not None
        self.own = OwnLog(row[0] or 0, row[2], row[1])
        self._others = await self._store.all()
