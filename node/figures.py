"""Figures that are looked up when somebody asks, or every few seconds: peers, members, logs, imports."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
from psycopg_pool import PoolTimeout

from federation.errors import MembershipError
from federation.health.peers import PeerHealths
from node.audit.state import LogStates
from node.members import Members
from node.store.pool import Pool
from node.telemetry.counts import Counts

log = logging.getLogger("verbund.telemetry")
EVERY_S = 15.0
STATUSES = ("ACTIVE", "SUSPENDED")
_QUANTILES = (0.5, 0.95, 0.99)
_STORED = """
select (select count(*) from quarantine),
       (select extract(epoch from now() - max(phenomenon_time)) from latest_observation where phenomenon_time <= now()),
       (select extract(epoch from now() - at) from access_record
         where id > coalesce((select record_id + length - 1 from log_run order by position desc limit 1), 0)
         order by id limit 1)
"""

Figure = tuple[str, tuple[str, ...], float]


def peers(known: PeerHealths) -> Iterator[Figure]:
    """How the other cities do, as this worker has learnt."""
    for city, health in known.all():
        yield "verbund_peer_breaker_open", (city,), float(health.breaker.is_open)
        for share in _QUANTILES:
            yield "verbund_peer_seconds", (city, str(share)), health.history.quantile(share)


def listed(members: Members, since: datetime) -> Iterator[Figure]:
    """How many members there are, until when, and how long each has been silent; none while no list can be used.

    Who was never heard has been silent `since` the worker began.
    """
    try:
        membership = members.current()
    except MembershipError:
        yield from (("verbund_members", (status,), 0.0) for status in STATUSES)
        return
    found = Counter(member.status.value for member in membership.members)
    yield from (("verbund_members", (status,), float(found[status])) for status in STATUSES)
    now = datetime.now(UTC)
    if members.keeper.has_joined:
        yield "verbund_membership_ends_seconds", (), (membership.expires_at - now).total_seconds()
    cities = {member.issuer: member.id for member in membership.members}
    for contact in members.keeper.contacts():
        silent = (now - (contact.heard_at or since)).total_seconds()
        if contact.entity in cities:
            yield "verbund_member_silent_seconds", (cities[contact.entity],), silent
        else:
            yield "verbund_anchor_silent_seconds", (contact.entity,), silent


def logged(states: LogStates) -> Iterator[Figure]:
    """This node's log, and the logs of others that were caught."""
    yield "verbund_log_size", (), float(states.own.size)
    if states.own.since is not None:
        yield "verbund_log_unwitnessed_seconds", (), (datetime.now(UTC) - states.own.since).total_seconds()
    for city, state, _reason in states.broken():
        yield "verbund_log_caught", (city, state.value), 1.0


def watched(
    counts: Counts,
    pool: Pool,
    healths: PeerHealths,
    members: Members,
    states: LogStates,
    waiting: Callable[[], tuple[int, int]],
) -> Stored:
    """Let `counts` ask for all figures. `waiting`: answers that wait for their records, sessions in use."""
    stored, since = Stored(pool), datetime.now(UTC)
    for gauges in (
        stored,
        lambda: peers(healths),
        lambda: listed(members, since),
        lambda: logged(states),
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
                self._found = [
                    ("verbund_quarantine", (), float(row[0])),
                    ("verbund_log_lag_seconds", (), max(float(row[2] or 0), 0.0)),
                ]
                if row[1] is not None:
                    self._found.append(("verbund_ingest_lag_seconds", (), float(row[1])))
            except (psycopg.Error, PoolTimeout) as error:
                log.info("the figures of the database can't be read: %s", type(error).__name__)
            await asyncio.sleep(EVERY_S)
