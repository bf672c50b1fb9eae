"""The sessions of a node's data path: opened when needed, used by one request at a time, renewed after a while."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from types import TracebackType

import psycopg
from psycopg.pq.abc import PGresult

from node.store.connections import SILENT, Unanswered, connect_async, patience_s
from node.store.session import Call, Session
from schema.errors import Unavailable

log = logging.getLogger("verbund.database")
WAIT_S = 3.0
LIFETIME_S = 600.0  # a session's memory grows with its largest answer and the statements it has prepared
LOOK_EVERY_S = 0.5


class Sessions:
    """At most `size` sessions with the database. `on_open`: statements that every new session begins with."""

    def __init__(
        self, database_url: str, *, size: int, statement_ms: int, name: str, on_open: Sequence[str] = ()
    ) -> None:
        self._url = database_url
        self.statement_ms = statement_ms
        self._size = size
        self._on_open = on_open
        self._name = name
        self._open = 0
        self._looked_at: set[Session] = set()
        self._next_look: asyncio.TimerHandle | None = None
        self._idle: list[Session] = []
        self._waiting: deque[asyncio.Future[Session | None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Sessions:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._size = 0
        self._discard_idle()
        await asyncio.gather(*self._closing)

    @property
    def busy(self) -> int:
        """How many requests have a session, or wait for one."""
        return self._open - len(self._idle) + len(self._waiting)

    async def run(self, *calls: Call) -> list[PGresult]:
        """Run the statements in one transaction on some session; the results of those that return rows.

        Raises:
            psycopg.Error: as `Session.run`; Unanswered after `statement_ms` and a margin, whatever the server does.
            Unavailable: no session came free in time.
        """
        session = await self._take()
        try:
            return await session.run(*calls)
        finally:
            self._give_back(session)

    async def read(self, *calls: Call) -> list[PGresult]:
        """As `run`, for what changes nothing: if the session turns out to be lost, another one is tried."""
        session = await self._take()
        try:
            return await session.run(*calls)
        except psycopg.OperationalError as error:
            if session.is_usable or isinstance(error, Unanswered):
                raise
        finally:
            self._give_back(session)
        self._discard_idle()  # the server went away: what is left over is lost as well
        return await self.run(*calls)

    def _look_later(self) -> None:
        later = asyncio.get_running_loop().call_later
        self._next_look = later(LOOK_EVERY_S, self._look, context=Context())  # of no request

    def _look(self) -> None:
        """Give up sessions whose server does not answer. Looks are counted, since this process may have stood still.

        One timer while any session is busy: one for each statement would cost 5 µs.
        """
        most = patience_s(self.statement_ms) / LOOK_EVERY_S
        silent = [session for session in self._looked_at if session.looked_at() > most]
        for session in silent:
            session.give_up()
        if silent:
            log.warning("%s: %s sessions of %s are given up", SILENT, len(silent), self._name)
            self._discard_idle()  # their server is the same
        self._next_look = None
        if self._open > len(self._idle):
            self._look_later()

    async def _take(self) -> Session:
        if self._next_look is None:
            self._look_later()
        while True:
            while self._idle:
                session = self._idle.pop()
                if session.is_usable:
                    return session
                self._discard(session)
            if self._open < self._size:
                return await self._connect()
            given = await self._wait()
            if given is not None:
                return given

    async def _wait(self) -> Session | None:
        """A session that another request gives back, or None if there is room for a new one."""
        waiting: asyncio.Future[Session | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(WAIT_S):
                return await waiting
        except BaseException as error:
            self._pass_on(waiting)
            if isinstance(error, TimeoutError):
                raise Unavailable("all sessions with the database are busy") from None
            raise

    def _pass_on(self, waiting: asyncio.Future[Session | None]) -> None:
        """A request that gave up must not keep what it was given in the same moment."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        elif waiting.done() and not waiting.cancelled():
            session = waiting.result()
            if session is not None:
                self._give_back(session)
            else:
                self._offer(None)

    async def _connect(self) -> Session:
        self._open += 1
        try:
            connection = await connect_async(
                self._url, self._name, statement_ms=self.statement_ms, more="-c DateStyle=ISO"
            )
            try:
                for statement in self._on_open:
                    await connection.execute(statement.encode())
                session = Session(connection)
            except BaseException:
                await connection.close()
                raise
        except BaseException:
            self._closed()
            raise
        self._looked_at.add(session)
        return session

    def _give_back(self, session: Session) -> None:
        if session.age_s > LIFETIME_S or self._size == 0 or not session.is_usable:
            self._discard(session)
        elif not self._offer(session):
            self._idle.append(session)

    def _discard_idle(self) -> None:
        for session in self._idle:
            self._discard(session)
        self._idle.clear()

    def _discard(self, session: Session) -> None:
        self._looked_at.discard(session)
        task = asyncio.get_running_loop().create_task(session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._closed()

    def _closed(self) -> None:
        """There is room for another session: somebody who waits may open it."""
        self._open -= 1
        self._offer(None)

    def _offer(self, session: Session | None) -> bool:
        """Give a session, or room for one, to the request that has waited longest."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(session)
                return True
        return False
