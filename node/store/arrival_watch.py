"""Hear of what arrives: one connection that listens for all who follow, in each process of a node.

PostgreSQL notifies once a transaction has committed. A notification says only that there is something to read; what
was not heard while the connection was down is read all the same, since everybody reads on from a position.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg

from node.store.arrival_tables import ARRIVED, CHANGED, LOCK
from node.store.connections import connect_async
from schema.errors import Unavailable

log = logging.getLogger("verbund.live")
KEPT = timedelta(hours=48)
MOST_BELLS = 5_000
AGAIN_S = 1.0
ALIVE_EVERY_S = 20.0
FORGET_EVERY_S = 3_600.0
_FORGET = """
with horizon as (
    update arrival_horizon set until = greatest(until, (extract(epoch from now() - %s) * 1000000)::bigint)
    returning until
)
delete from arrival using horizon where id <= horizon.until
"""
Series = frozenset[int] | None


class Bell:
    """Rings when something has arrived of the datastreams `series` (ids; None for any), or other rules hold.

    `is_changed`: somebody may see more or less than before, or may have been refused, since the bell was hung up.
    """

    __slots__ = ("_rung", "is_changed", "series")

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.series: Series = None
        self.is_changed = False

    def ring(self) -> None:
        """Wake whoever waits, or is about to."""
        self._rung.set()

    def clear(self) -> None:
        """To be called before looking."""
        self._rung.clear()

    async def wait(self, seconds: float) -> None:
        """Until it rings, for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0)):
                await self._rung.wait()


class ArrivalWatch:
    """Rings the bells of this process."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._bells: set[Bell] = set()
        self._forget_at = 0.0

    @contextmanager
    def bell(self) -> Iterator[Bell]:
        """A bell, as long as the context lasts. Raises Unavailable."""
        if len(self._bells) >= MOST_BELLS:
            raise Unavailable("too many wait for new observations")
        bell = Bell()
        self._bells.add(bell)
        try:
            yield bell
        finally:
            self._bells.discard(bell)

    async def keep(self) -> None:
        """Listen until cancelled; a connection that is lost is opened anew."""
        while True:
            try:
                async with await connect_async(self._url, "verbund-live") as connection:
                    await self._listen(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.warning("arrivals can't be heard of: %s", type(error).__name__)
            await asyncio.sleep(AGAIN_S)

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(f"listen {ARRIVED}")
        await connection.execute(f"listen {CHANGED}")
        self.ring()  # what was told before is lost
        while True:
            async for told in connection.notifies(timeout=ALIVE_EVERY_S):
                if told.channel == ARRIVED and told.payload:
                    self.ring(frozenset(map(int, told.payload.split(","))))
                else:
                    self.ring()
            async with asyncio.timeout(ALIVE_EVERY_S):
                await connection.execute("select 1")
                if time.monotonic() >= self._forget_at:
                    await self._forget(connection)

    async def _forget(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._forget_at = time.monotonic() + FORGET_EVERY_S
        async with connection.transaction():
            await connection.execute(LOCK)
            await connection.execute(_FORGET, (KEPT,))

    def ring(self, series: Series = None) -> None:
        """Ring the bells for these datastreams; without any, all."""
        for bell in self._bells:
            bell.is_changed = bell.is_changed or series is None
            if series is None or bell.series is None or not series.isdisjoint(bell.series):
                bell.ring()
