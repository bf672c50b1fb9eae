"""The addresses behind names. A name server that hangs costs the names that it answers for, and nobody else.

The event loop's own lookups share a few threads (with uvloop only two look up names). One that hangs holds its
thread for as long as the system tries, tens of seconds, even if nobody waits any more. So here a name is looked up
once at a time, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future

from federation.single_flight import SingleFlight

AT_ONCE = 100

Address = tuple[int, int, int, str, tuple[str | int | bytes, ...]]
"""As `socket.getaddrinfo` gives it."""


class Lookups:
    """Asks the system's resolver."""

    def __init__(self) -> None:
        self._flights = SingleFlight[tuple[str, int], list[Address]]()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Where connections to a host may lead. Raises OSError, UnicodeError."""
        try:
            return _looked_up(host, port, socket.AI_NUMERICHOST)
        except socket.gaierror:  # it is a name
            return await self._flights.join((host, port), lambda: self._in_its_turn(host, port), None)

    async def close(self) -> None:
        """Wait for no lookup any more."""
        await self._flights.close()

    async def _in_its_turn(self, host: str, port: int) -> list[Address]:
        async with self._turns:
            return await asyncio.wrap_future(_in_thread(host, port))


def _in_thread(host: str, port: int) -> Future[list[Address]]:
    """In a thread that does not keep the process from ending."""
    found: Future[list[Address]] = Future()
    found.set_running_or_notify_cancel()  # from here on nobody can take it back

    def look_up() -> None:
        try:
            found.set_result(_looked_up(host, port))
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=look_up, name=f"lookup of {host}", daemon=True).start()
    return found


def _looked_up(host: str, port: int, flags: int = 0) -> list[Address]:
    return [*socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)]
