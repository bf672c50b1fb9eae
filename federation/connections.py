"""Connections to peers: kept for the next request, opened when there is none, never more than a fixed number."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import NamedTuple

from aiohappyeyeballs import start_connection

from federation.addresses import Allows
from federation.connection import Connection
from federation.lookups import Lookups

CONNECTIONS = 2_048  # enough if hundreds of cities hang at once, or hundreds of subscriptions wait at several
KEEP_ALIVE_S = 15.0  # shorter than any server's, so that the server is not the one to close
NEXT_ADDRESS_S = 0.25  # RFC 8305: a host's next address is tried when the one before has not answered for so long


class Origin(NamedTuple):
    """Where a connection leads."""

    is_tls: bool
    host: str
    port: int


class ForbiddenAddress(Exception):
    """A host has only addresses that may not be connected to."""


class ConnectionPool:
    """At most `CONNECTIONS` open ones. When all are busy, whoever asks waits for its turn."""

    def __init__(self, ssl_context: ssl.SSLContext | None, allows: Allows) -> None:
        self._ssl_context = ssl_context
        self._allows = allows
        self._lookups = Lookups()
        self._idle: dict[Origin, list[Connection]] = {}
        self._open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._all: dict[Connection, Origin] = {}
        self._swept_at = 0.0

    async def take(self, origin: Origin) -> Connection:
        """A connection that nobody else uses until it is given back.

        Raises:
            ForbiddenAddress: the host has only addresses that may not be connected to.
            OSError, ssl.SSLError, UnicodeError: none can be had.
        """
        now = asyncio.get_running_loop().time()
        kept = self._idle.get(origin)
        while kept:
            connection = kept.pop()
            if connection.is_reusable and now - connection.idle_since < KEEP_ALIVE_S:
                return connection
            connection.abort()
        await self._room()
        try:
            return await self._connect(origin)
        except BaseException:
            self._made_room()
            raise

    def give_back(self, connection: Connection) -> None:
        """After a whole answer it is kept for the next request, if the peer keeps it too."""
        origin = self._all.get(connection)
        if origin is None or not connection.is_reusable:
            connection.abort()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.setdefault(origin, []).append(connection)
        if self._waiting:
            self._drop_oldest()
        elif connection.idle_since - self._swept_at > KEEP_ALIVE_S:
            self._sweep(connection.idle_since)

    async def close(self) -> None:
        """Close all; requests under way fail."""
        for connection in list(self._all):
            connection.abort()
        await self._lookups.close()

    async def _connect(self, origin: Origin) -> Connection:
        addresses = await self._lookups.addresses(origin.host, origin.port)
        # the connection is made to one of these and no other: a name can't mean something else a moment later
        allowed = [address for address in addresses if self._allows(str(address[4][0]))]
        if not allowed:
            raise ForbiddenAddress
        opened = await start_connection(allowed, happy_eyeballs_delay=NEXT_ADDRESS_S)
        connection = Connection(self._lost)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=opened,
                ssl=self._context() if origin.is_tls else None,
                server_hostname=origin.host if origin.is_tls else None,
            )
        except BaseException:
            connection.abort()  # the socket is its own by now: to close that under it would hit the next of its number
            raise
        if not connection.is_reusable:
            raise ConnectionResetError
        self._all[connection] = origin
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()
        return self._ssl_context

    async def _room(self) -> None:
        """Wait until there may be one more."""
        if self._open >= CONNECTIONS:
            self._drop_oldest()
        while self._open >= CONNECTIONS:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            try:
                await waiting
            except asyncio.CancelledError:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)
                else:
                    self._wake()
                raise
        self._open += 1

    def _lost(self, connection: Connection) -> None:
        origin = self._all.pop(connection, None)
        if origin is None:  # it never came to be: `take` has failed
            return
        kept = self._idle.get(origin, [])
        if connection in kept:
            kept.remove(connection)
        if not kept:
            self._idle.pop(origin, None)
        self._made_room()

    def _made_room(self) -> None:
        self._open -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return

    def _drop_oldest(self) -> None:
        """Make room by ending the connection that has been idle for longest."""
        idle = [kept for kept in self._idle.values() if kept]
        if idle:
            min(idle, key=lambda kept: kept[0].idle_since).pop(0).abort()  # who comes next takes another one's place

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        for kept in self._idle.values():
            for connection in kept:
                if now - connection.idle_since > KEEP_ALIVE_S:
                    connection.abort()
