"""One connection of the data path, spoken to through libpq: a statement is one round trip and one transaction.

psycopg's cursors spend 170 µs of CPU on a small statement; this takes 20 to 50. What makes the difference: parameters
and results stay text, statements are prepared once, the socket is watched once, and the settings of a transaction
travel with its statement in one pipeline (one Sync, so one implicit transaction).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import psycopg
from psycopg import pq
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGresult

from node.store.connections import CANCEL_S, SILENT, Unanswered

PREPARED = 128


class Call(msgspec.Struct, frozen=True):
    """A statement, its parameters as text, and the OIDs of their types (none: PostgreSQL finds out)."""

    sql: str
    parameters: Sequence[bytes | None]
    types: tuple[int, ...] = ()


_Form = tuple[str, tuple[int, ...]]  # one text may come with more or fewer parameters than it uses


class Session:
    """Runs one statement at a time. Not to be used again once `is_usable` is false."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._loop.time()
        self._awaited: asyncio.Future[None] | None = None
        self._looks = 0
        self._prepared: OrderedDict[_Form, bytes] = OrderedDict()
        self._names = 0
        self._is_idle = True
        self._lost: psycopg.OperationalError | None = None
        self._libpq.enter_pipeline_mode()
        self._socket = self._libpq.socket
        self._loop.add_reader(self._socket, self._read)

    @property
    def is_usable(self) -> bool:
        """Idle, and connected as far as is known."""
        return self._is_idle and self._lost is None and self._libpq.status == pq.ConnStatus.OK

    @property
    def age_s(self) -> float:
        """How long it has been open."""
        return self._loop.time() - self._opened_at

    def looked_at(self) -> int:
        """Count a look; returns how many there were since the statement that runs began, 0 if none does."""
        self._looks = 0 if self._is_idle else self._looks + 1
        return self._looks

    def give_up(self) -> None:
        """Nobody waits for the statement that runs any more: whoever does is told."""
        self._unwatch(Unanswered(SILENT))
        if self._awaited is not None:
            _wake(self._awaited)

    async def run(self, *calls: Call) -> list[PGresult]:
        """Run the statements in one transaction; the results of those that return rows.

        Raises:
            psycopg.Error: the first error; nothing of the transaction holds. OperationalError also if the connection
                is lost, Unanswered if it was given up.
        """
        self._is_idle = False
        self._looks = 0
        preparing: list[_Form | None] = []  # what each result is of: a statement that is being prepared, or None
        try:
            for call in calls:
                self._send(call, preparing)
            self._libpq.pipeline_sync()
        except psycopg.OperationalError as error:
            self._unwatch(error)
            raise
        preparing.append(None)
        await self._flush()
        results = await self._receive(len(preparing))
        self._is_idle = True
        for form, result in zip(preparing, results, strict=True):
            if form is not None and result.status != pq.ExecStatus.COMMAND_OK:
                del self._prepared[form]
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise error_from_result(result)
        return [result for result in results if result.status == pq.ExecStatus.TUPLES_OK]

    def _send(self, call: Call, preparing: list[_Form | None]) -> None:
        form = call.sql, call.types
        name = self._prepared.get(form)
        if name is None:
            self._names += 1
            name = self._prepared[form] = b"s%d" % self._names
            self._libpq.send_prepare(name, call.sql.encode(), call.types)
            preparing.append(form)
            if len(self._prepared) > PREPARED:
                _, oldest = self._prepared.popitem(last=False)
                self._libpq.send_close_prepared(oldest)
                preparing.append(None)
        else:
            self._prepared.move_to_end(form)
        self._libpq.send_query_prepared(name, call.parameters)
        preparing.append(None)

    async def _flush(self) -> None:
        while self._still_sends():  # a large parameter does not fit into the socket's buffer at once
            self._awaited = self._loop.create_future()
            self._loop.add_writer(self._socket, _wake, self._awaited)
            try:
                await self._awaited
            finally:
                self._loop.remove_writer(self._socket)
            self._raise_if_lost()

    def _still_sends(self) -> bool:
        try:
            return bool(self._libpq.flush())
        except psycopg.OperationalError as error:
            self._unwatch(error)
            raise

    async def _receive(self, expected: int) -> list[PGresult]:
        results: list[PGresult] = []
        while len(results) < expected:
            while self._libpq.is_busy() and not (results and self._has_more()):
                self._raise_if_lost()
                self._awaited = self._loop.create_future()
                await self._awaited
            result = self._libpq.get_result()
            if result is not None:
                results.append(result)
            else:  # ends the results of one statement, or of all if the connection is lost
                self._raise_if_lost()
        return results

    def _read(self) -> None:
        self._consume()
        if self._is_idle or self._libpq.is_busy():
            self._consume()
        waiting = self._awaited
        if waiting is not None and not waiting.done() and (self._lost or not self._libpq.is_busy()):
            waiting.set_result(None)

    def _has_more(self) -> bool:
        """True if nothing needs to be waited for. Asked before waiting again, as `_read` reads again.

        A loop may tell only once that a connection has ended: uvloop stops watching a socket that was reset. What is
        read then is the server's last word, and the end comes after it.
        """
        self._consume()
        return not self._libpq.is_busy()

    def _consume(self) -> None:
        if self._lost is None:
            try:
                self._libpq.consume_input()
            except psycopg.OperationalError as error:
                self._unwatch(error)

    def _raise_if_lost(self) -> None:
        if isinstance(self._lost, Unanswered):
            raise self._lost
        if self._libpq.status != pq.ConnStatus.OK:
            self._unwatch(psycopg.OperationalError("the connection with the database is lost"))
        if self._lost is not None:
            raise psycopg.OperationalError("the connection with the database is lost") from self._lost

    def _unwatch(self, error: psycopg.OperationalError) -> None:
        """At once: libpq has closed the socket, and the next connection may get its number."""
        if self._lost is None:
            self._lost = error
            self._loop.remove_reader(self._socket)

    async def close(self) -> None:
        """End the connection; a statement that still runs is cancelled. Takes `CANCEL_S` if the server hangs."""
        if self._lost is None:
            self._loop.remove_reader(self._socket)
        if not self._is_idle and self._libpq.status == pq.ConnStatus.OK:
            with suppress(psycopg.Error):
                await self._connection.cancel_safe(timeout=CANCEL_S)
        await self._connection.close()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
