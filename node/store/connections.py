"""Connections of psycopg, for all but the data path: each with a bound for what the server does not bound itself.

PostgreSQL ends a statement that takes too long, unless PostgreSQL is what hangs: stopped, or waiting for its storage.
Then a connection counts as lost.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors, generators, pq, waiting
from psycopg.abc import PQGen, PQGenConn

CONNECT_S = 5
STATEMENT_MS = 30_000
MARGIN_MS = 2_000
SILENT = "the database does not answer"
LOOK_EVERY_S = 0.1  # for what interrupts
CANCEL_S = 5.0
_Result = TypeVar("_Result")
_Row = tuple[Any, ...]
_BROKEN_OFF = (errors._WaitTimeout, asyncio.CancelledError, KeyboardInterrupt)  # noqa: SLF001 - it has no other name


def patience_s(statement_ms: int) -> float:
    """After how many seconds a server that ends statements after `statement_ms` does not answer at all."""
    return (statement_ms + MARGIN_MS) / 1000


class Unanswered(psycopg.OperationalError):
    """The server is connected, and says nothing. What was under way may be committed all the same."""


class Bounded(psycopg.Connection[_Row]):
    """Nobody waits for a statement for longer than `patience_s`: then it is closed, and Unanswered raised."""

    patience_s = patience_s(STATEMENT_MS)

    def wait(self, gen: PQGen[_Result], interval: float = LOOK_EVERY_S, timeout: float | None = None) -> _Result:
        """What all of psycopg waits by, as long as there is a connection."""
        bound = self.patience_s if timeout is None else timeout
        try:
            return waiting.wait(gen, self.pgconn.socket, interval, bound)
        except _BROKEN_OFF as error:
            cancelling = _close_if_busy(self.pgconn)
            if cancelling is not None:
                with suppress(psycopg.Error):
                    waiting.wait_conn(cancelling, LOOK_EVERY_S, CANCEL_S)
            raise _told(error, self.pgconn) from None


class BoundedAsync(psycopg.AsyncConnection[_Row]):
    """The same for event loops. Who is cancelled does not wait until the server has cancelled, too."""

    patience_s = patience_s(STATEMENT_MS)

    async def wait(self, gen: PQGen[_Result], interval: float = LOOK_EVERY_S, timeout: float | None = None) -> _Result:  # noqa: ASYNC109 - psycopg's
        """What all of psycopg waits by, as long as there is a connection."""
        bound = self.patience_s if timeout is None else timeout
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval, bound)
        except _BROKEN_OFF as error:
            cancelling = _close_if_busy(self.pgconn)
            if cancelling is not None:
                task = asyncio.get_running_loop().create_task(_cancelled(cancelling))
                _CANCELLING.add(task)
                task.add_done_callback(_CANCELLING.discard)
            raise _told(error, self.pgconn) from None


_CANCELLING: set[asyncio.Task[None]] = set()  # the event loop does not keep them


async def _cancelled(cancelling: PQGenConn[None]) -> None:
    with suppress(psycopg.Error):
        await waiting.wait_conn_async(cancelling, LOOK_EVERY_S, CANCEL_S)


def _close_if_busy(connection: pq.abc.PGconn) -> PQGenConn[None] | None:
    """Close the connection if a statement runs. Returns what tells the server so, by a connection of its own.

    Else it would not notice while the statement waits for a disk or a standby, and each one would keep a process.
    """
    if connection.transaction_status != pq.TransactionStatus.ACTIVE:
        return None
    try:
        cancel = connection.cancel_conn()
        cancel.start()
    except psycopg.Error:
        return None
    finally:
        connection.finish()
    cancelling: PQGenConn[None] = generators.cancel(cancel)
    return cancelling


def _told(error: BaseException, connection: pq.abc.PGconn) -> BaseException:
    """Whoever waited for notifications only may go on."""
    is_closed = connection.status == pq.ConnStatus.BAD
    return Unanswered(SILENT) if is_closed and isinstance(error, errors._WaitTimeout) else error  # noqa: SLF001


def connect(database_url: str, name: str, *, statement_ms: int = STATEMENT_MS, more: str = "", **how: Any) -> Bounded:
    """Connect; `more`: settings of the session as in `options` of libpq, `how`: arguments of psycopg.

    Raises:
        psycopg.OperationalError: there is no connection within `CONNECT_S`.
    """
    connection = Bounded.connect(database_url, **arguments(name, statement_ms, more), **how)
    connection.patience_s = patience_s(statement_ms)
    return connection


async def connect_async(
    database_url: str, name: str, *, statement_ms: int = STATEMENT_MS, more: str = ""
) -> BoundedAsync:
    """As `connect`, in autocommit."""
    connection = await BoundedAsync.connect(database_url, autocommit=True, **arguments(name, statement_ms, more))
    connection.patience_s = patience_s(statement_ms)
    return connection


def arguments(name: str, statement_ms: int, more: str = "") -> dict[str, Any]:
    """What all connections have in common. `name`: what PostgreSQL shows of it in `pg_stat_activity`."""
    return {
        "application_name": name,
        "connect_timeout": CONNECT_S,
        "options": f"-c TimeZone=UTC -c statement_timeout={statement_ms} -c jit=off {more}",
    }
