"""Keeps the tree of a node's log: one process of the node sequences, asks witnesses, and watches the others' logs."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

import psycopg
from psycopg_pool import PoolTimeout

from federation.errors import MembershipError
from federation.log_keys import NamedKey
from federation.membership import Member, Membership
from federation.tlog.witness import witnesses_of
from node.audit.cosigning import Cosigning
from node.audit.erase import Retention, expire
from node.audit.sequencer import Sequencer
from node.audit.tiles import TileMissing
from node.audit.watch import LogWatch
from node.store.connections import connect
from schema.errors import Unavailable

log = logging.getLogger("verbund.audit")
SEQUENCE_EVERY_S = 1.0
LOCK_EVERY_S = 3.0
AGAIN_S = 5.0  # after a round that came to nothing
SEQUENCE_MS = 60_000
EXPIRE_EVERY_S = 3_600.0
EXPIRE_MS = 600_000


class LogKeeper:
    """`keep` runs for as long as the process does; only the holder of the sequencer's lock has something to do."""

    def __init__(
        self,
        database_url: str,
        key: Callable[[], NamedKey],
        city: str,
        membership: Callable[[], Membership],
        cosigning: Cosigning,
        watch: LogWatch,
        retention: Retention,
        *,
        witness_every_s: float,
    ) -> None:
        self._url = database_url
        self._key = key
        self._city = city
        self._membership = membership
        self._cosigning = cosigning
        self._watch = watch
        self._retention = retention
        self._witness_every_s = witness_every_s
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._guard = threading.RLock()  # who is cancelled must not leave behind what a thread is opening
        self._has_ended = False

    async def keep(self) -> None:
        """Work until cancelled; after an error that nobody foresaw it can be begun anew."""
        self._has_ended = False
        try:
            while True:
                sequencer = await asyncio.to_thread(self._locked)
                if sequencer is None:
                    await asyncio.sleep(LOCK_EVERY_S)
                    continue
                beside = [asyncio.create_task(self._rounds()), asyncio.create_task(self._expiry())]
                try:
                    await self._sequence(sequencer)
                finally:
                    for task in beside:
                        task.cancel()
        finally:
            with self._guard:
                self._has_ended = True
                self._close()

    async def _sequence(self, sequencer: Sequencer) -> None:
        """Sequence as long as the connection, and with it the lock, lasts."""
        while True:
            try:
                await asyncio.to_thread(self._sequenced, sequencer)
            except psycopg.errors.LockNotAvailable:
                log.info("somebody writes a record for long; sequencing waits")
            except (psycopg.Error, TileMissing) as error:
                log.warning("the log can't be sequenced: %s", error)
                self._close()
                return
            await asyncio.sleep(SEQUENCE_EVERY_S)

    def _sequenced(self, sequencer: Sequencer) -> None:
        sequencer.use(self._key())
        sequencer.sequence()

    async def _rounds(self) -> None:
        """Ask the witnesses and watch the others, again and again."""
        while True:
            began, cosigned = time.monotonic(), False
            try:
                others, witnesses = self._others()
                cosigned = await self._cosigning.round(witnesses)
                await self._watch.look(others)
            except (MembershipError, Unavailable, psycopg.Error, PoolTimeout) as error:
                log.info("the witnesses can't be asked now: %s", error)
            except Exception:
                log.exception("a round with the witnesses failed")
            pause = self._witness_every_s if cosigned else min(self._witness_every_s, AGAIN_S)
            await asyncio.sleep(max(pause - (time.monotonic() - began), 0.2))

    async def _expiry(self) -> None:
        """Erase the records whose time is over, once an hour."""
        while True:
            await asyncio.sleep(EXPIRE_EVERY_S)
            try:
                await asyncio.to_thread(self._expire)
            except psycopg.Error as error:
                log.warning("the records whose time is over can't be erased now: %s", error)

    def _expire(self) -> None:
        with connect(self._url, "verbund-expiry", statement_ms=EXPIRE_MS, autocommit=True) as found:
            count = expire(found, self._city, self._retention)
        if count:
            log.info("%s records whose time is over are erased", count)

    def _others(self) -> tuple[list[Member], list[Member]]:
        active = {member.id: member for member in self._membership().members if member.is_active}
        witnesses = [active[city] for city in witnesses_of(self._city, active)]
        return [member for member in active.values() if member.id != self._city], witnesses

    def _locked(self) -> Sequencer | None:
        with self._guard:
            if self._has_ended:
                return None
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = connect(
                        self._url, "verbund-sequencer", statement_ms=SEQUENCE_MS, autocommit=True
                    )
                sequencer = Sequencer(self._connection, self._key())
                return sequencer if sequencer.try_lock() else None
            except (psycopg.Error, TileMissing) as error:
                log.warning("the log can't be sequenced: %s", error)
                self._close()
                return None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
