"""One request at a time for the same thing: who comes meanwhile waits for the answer that is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Flights by key. A failure is told to all who wait, and not remembered."""

    def __init__(self) -> None:
        self._flights: dict[K, asyncio.Task[V]] = {}

    async def join(self, key: K, start: Callable[[], Coroutine[Any, Any, V]], timeout_s: float | None) -> V:
        """The result of the flight under way for `key`, or of a new one made by `start`.

        Who gives up waiting does not take the result away from the others.

        Raises:
            TimeoutError: it did not come within `timeout_s` (None: whenever it comes); the flight goes on.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(start())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(flight)

    async def close(self) -> None:
        """Stop the flights under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _landed(self, key: K, flight: asyncio.Task[V]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # taken notice of, even if everybody gave up waiting
