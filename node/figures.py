"""Figures that are looked up when somebody asks, or every few seconds: peers, members, imports."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg
from psycopg_pool import PoolTimeout

from federation.errors import MembershipError
from federation.health.peers import PeerHealths
from federation.membership import Membership
from node.store.pool import Pool
from node.telemetry.counts import Counts

log = logging.getLogger("verbund.telemetry")
EVERY_S = 15.0
_QUANTILES = (0.5, 0.95, 0.99)
_STORED = """
select (select count(*) from quarantine),
       (select extract(epoch from now() - max(phenomenon_time)) from latest_observation where phenomenon_time <= now())
"""

Figure = tuple[str, tuple[str, ...], float]


def peers(known: PeerHealths) -> Iterator[Figure]:
    """How the other cities do, as this worker has learnt."""
    for city, health in known.all():
        yield "verbund_peer_breaker_open", (city,), float(health.breaker.is_open)
        for share in _QUANTILES:
            yield "verbund_peer_seconds", (city, str(share)), health.history.quantile(share)


def listed(current: Callable[[], Membership]) -> Iterator[Figure]:
    """How many members there are; nothing while the list can't be used."""
    try:
        found = Counter(member.status.value for member in current().members)
    except MembershipError:
        found = Counter()
    for status in ("ACTIVE", "SUSPENDED"):
        yield "verbund_members", (status,), float(found[status])


def watched(
    counts: Counts,
    pool: Pool,
    healths: PeerHealths,
    membership: Callable[[], Membership],
    waiting: Callable[[], tuple[int, int]],
) -> Stored:
    """Let `counts` ask for all figures. `waiting`: answers that wait for their records, sessions in use."""
    stored = Stored(pool)
    for gauges in (
        stored,
        lambda: peers(healths),
        lambda: listed(membership),
        lambda: zip(("verbund_log_waiting", "verbund_database_sessions"), ((), ()), map(float, waiting()), strict=True),
    ):
        counts.watch(gauges)
    return stored


class Stored:
    """Figures from the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._found: list[Figure] = []

    def __call__(self) -> list[Figure]:
        """As of the last look."""
        return self._found

    async def keep(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                async with self._pool.connection() as connection:
                    row = await (await connection.execute(_STORED)).fetchone()
                assert row is not None
                self._found = [("verbund_quarantine", (), float(row[0]))]
                if row[1] is not None:
                    self._found.append(("verbund_ingest_lag_seconds", (), float(row[1])))
            except (psycopg.Error, PoolTimeout) as error:
                log.info("the figures of the database can't be read: %s", type(error).__name__)
            await asyncio.sleep(EVERY_S)
