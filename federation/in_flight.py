"""Who asks what is being asked already waits for the same answer. Nothing is kept once the answer is there.

Other than `single_flight`, a flight ends when nobody waits for it any more: its result is of use to nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(Generic[V]):
    __slots__ = ("began", "outlives", "task", "waiting")

    def __init__(self, task: asyncio.Task[V], began: float, *, outlives: bool) -> None:
        self.task = task
        self.began = began
        self.outlives = outlives
        self.waiting = 0


class InFlight(Generic[K, V]):
    """Flights by key. A flight is joined only while it is younger than `join_within_s`: its answer is as old as it."""

    def __init__(self, join_within_s: float) -> None:
        self._join_within_s = join_within_s
        self._flights: dict[K, _Flight[V]] = {}
        self._tasks: set[asyncio.Task[V]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def is_joinable(self, key: K) -> bool:
        """True if `share` would join a flight instead of starting one."""
        flight = self._flights.get(key)
        return flight is not None and self._is_young(flight)

    async def share(
        self, key: K, start: Callable[[], Coroutine[Any, Any, V]], ends: float | None, *, outlives: bool
    ) -> V:
        """The result of the flight under way for `key`, or of a new one made by `start`; its error is shared as well.

        `ends` is this caller's own deadline (event-loop clock), None if flights end by themselves. A new flight that
        `outlives` its callers goes on when all have left.

        Raises:
            TimeoutError: the deadline came first.
        """
        flight = self._flights.get(key)
        if flight is None or not self._is_young(flight):
            flight = self._launch(key, start, outlives=outlives)
        flight.waiting += 1
        try:
            async with asyncio.timeout_at(ends):
                return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.outlives and not flight.task.done():
                self._forget(key, flight)  # at once: who comes now must not join what is about to end
                flight.task.cancel()

    async def close(self) -> None:
        """End the flights under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _launch(self, key: K, start: Callable[[], Coroutine[Any, Any, V]], *, outlives: bool) -> _Flight[V]:
        flight = _Flight(asyncio.create_task(start()), asyncio.get_running_loop().time(), outlives=outlives)
        self._flights[key] = flight
        self._tasks.add(flight.task)
        flight.task.add_done_callback(lambda done: self._landed(key, flight, done))
        return flight

    def _landed(self, key: K, flight: _Flight[V], task: asyncio.Task[V]) -> None:
        self._tasks.discard(task)
        self._forget(key, flight)
        if not task.cancelled():
            task.exception()  # taken notice of, even if everybody gave up waiting

    def _forget(self, key: K, flight: _Flight[V]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    def _is_young(self, flight: _Flight[V]) -> bool:
        return asyncio.get_running_loop().time() - flight.began < self._join_within_s
