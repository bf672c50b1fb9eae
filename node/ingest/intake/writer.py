"""Store what many senders bring: while one transaction is under way the next batch gathers.

A sender is told that its observations are accepted once they are committed. Replicas take turns by an advisory lock, so
that two that bring the same observation can't wait for each other.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import psycopg

from node.ingest.counts.mapping import COUNT_OBSERVATION
from node.ingest.intake.checks import Checked, Datastream, Flawed, Row
from node.ingest.observations import batches, finish_writing, write_batch
from node.ingest.report import Flaw, Report
from node.ingest.runs import start_run
from node.store.connections import connect
from schema.errors import Unavailable

log = logging.getLogger("verbund.intake")
MOST_ROWS = 20_000  # in one transaction
MOST_WAITING = 100_000  # rows; beyond that the node is overloaded
KNOWN_S = 60.0  # so long what is known of datastreams is believed: a mapping may change their interval
KIND = "intake"
QUARANTINED = 100  # flaws of one batch that are kept
MOST_QUARANTINED = 10_000  # of one sender, the newest: whoever invents topics does not fill the disk


@dataclass(frozen=True, slots=True)
class _Entry:
    source: str
    checked: Checked
    stored: asyncio.Future[None]


class IntakeWriter:
    """Writes on a connection of its own, in a thread: `async with IntakeWriter(url) as writer`."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: psycopg.Connection[Any] | None = None
        self._datastreams: dict[str, Datastream] = {}
        self._known_until = 0.0
        self._runs: dict[str, Report] = {}
        self._waiting: deque[_Entry] = deque()
        self._rows = 0
        self._writer: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._guard = threading.RLock()  # who is cancelled gives up its turn, but its thread goes on
        self._has_ended = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            await self._writer  # what was taken is stored
        await asyncio.to_thread(self._end)

    async def datastreams(self, keys: Sequence[str]) -> Mapping[str, Datastream]:
        """The datastreams of this city by key. One that is not known yet is looked up alone: it may be misspelt."""
        if time.monotonic() >= self._known_until:
            self._datastreams = await self._alone(self._load, None)
            self._known_until = time.monotonic() + KNOWN_S
        elif unknown := [key for key in keys if key not in self._datastreams]:
            found = await self._alone(self._load, unknown)
            self._datastreams |= found
        return self._datastreams

    async def store(self, source: str, checked: Checked) -> None:
        """Store the rows and put the flaws into the quarantine; returns when they are committed.

        Raises:
            Unavailable: they could not be stored; the sender may try again.
        """
        if self._rows + len(checked.rows) > MOST_WAITING:
            raise Unavailable("more observations come in than can be stored", hint="send them again, more slowly")
        entry = _Entry(source, checked, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._rows += len(checked.rows)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())
        await entry.stored

    async def _write(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft()]
            size = len(batch[0].checked.rows)
            while self._waiting and size + len(self._waiting[0].checked.rows) <= MOST_ROWS:
                batch.append(self._waiting.popleft())
                size += len(batch[-1].checked.rows)
            try:
                await self._alone(self._commit, batch)
            except Exception as error:
                log.warning("observations can't be stored: %s", type(error).__name__)
                _refuse(batch, error)
            else:
                for entry in batch:
                    if not entry.stored.done():
                        entry.stored.set_result(None)
            finally:
                self._rows -= size

    async def _alone(self, work: Any, *arguments: Any) -> Any:
        """Run in a thread with the connection; one at a time."""
        async with self._turn:
            return await asyncio.to_thread(self._guarded, work, *arguments)

    def _guarded(self, work: Any, *arguments: Any) -> Any:
        with self._guard:
            if self._has_ended:
                raise Unavailable("this node is being stopped")
            return work(*arguments)

    def _end(self) -> None:
        with self._guard:
            self._has_ended = True
            if self._connection is not None:
                self._connection.close()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, "verbund-intake", more="-c lock_timeout=10s", autocommit=True)
        return self._connection

    def _load(self, keys: Sequence[str] | None) -> dict[str, Datastream]:
        """Those with these keys; all of them for None."""
        query = "select key, id, interval_seconds, observation_type = %s from datastream"
        try:
            if keys is None:
                rows = self._connected().execute(query, (COUNT_OBSERVATION,)).fetchall()
            else:
                rows = self._connected().execute(f"{query} where key = any(%s)", (COUNT_OBSERVATION, keys)).fetchall()
        except psycopg.OperationalError as error:
            raise Unavailable("the database can't be reached") from error
        return {
            key: Datastream(id_, timedelta(seconds=length) if length else None, counts)
            for key, id_, length, counts in rows
        }

    def _commit(self, batch: Sequence[_Entry]) -> None:
        rows: dict[tuple[int, str], Row] = {}
        for entry in batch:
            rows |= entry.checked.rows
        connection = self._connected()
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(hashtext('verbund.intake'))")
            datastreams: set[int] = set()
            for part in batches(rows.values()):
                write_batch(connection, part)
                datastreams |= part.datastreams
            finish_writing(connection, datastreams)
            runs = dict(self._runs)
            for entry in batch:
                if entry.checked.flawed:
                    self._quarantine(connection, entry, runs)
        self._runs = runs  # those that a transaction has begun which failed are not there

    @staticmethod
    def _quarantine(connection: psycopg.Connection[Any], entry: _Entry, runs: dict[str, Report]) -> None:
        run = runs.get(entry.source)
        if run is None:
            run = runs[entry.source] = start_run(connection, KIND, entry.source)
        rows = [
            (run.run_id, entry.source, flaw.location, flaw.field, flaw.value, flaw.reason, flaw.message)
            for flaw in map(_flaw, entry.checked.flawed[:QUARANTINED])
        ]
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into quarantine (run_id, source, location, field, value, reason, message)"
                " values (%s, %s, %s, %s, %s, %s, %s)"
                " on conflict (source, location, field, reason) do update"
                " set run_id = excluded.run_id, value = excluded.value, message = excluded.message",
                rows,
            )
        connection.execute(
            "delete from quarantine where source = %s and id <="
            " (select id from quarantine where source = %s order by id desc offset %s limit 1)",
            (entry.source, entry.source, MOST_QUARANTINED),
        )


def _flaw(flawed: Flawed) -> Flaw:
    part = flawed.reason.partition(".")[0]
    return Flaw(flawed.datastream, part, flawed.value, flawed.reason, flawed.message).bounded()


def _refuse(batch: Sequence[_Entry], error: Exception) -> None:
    for entry in batch:
        if not entry.stored.done():
            refusal = Unavailable("the observations can't be stored now; nothing of the batch is")
            refusal.__cause__ = error
            entry.stored.set_exception(refusal)
