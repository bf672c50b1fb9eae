"""Identical questions share one flight; it ends with the last who waits, and nothing of it stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from federation.in_flight import InFlight


class Flights:
    """Flights that wait to be told how they end."""

    def __init__(self, join_within_s: float = 60.0) -> None:
        self.shared = InFlight[str, int](join_within_s)
        self.started = self.cancelled = 0
        self.ends: list[asyncio.Future[int]] = []

    async def fly(self) -> int:
        self.started += 1
        end = asyncio.get_running_loop().create_future()
        self.ends.append(end)
        try:
            return await end
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def wait(self, key: str = "k", seconds: float = 60.0, *, outlives: bool = False) -> asyncio.Task[int]:
        start: Callable[[], Coroutine[Any, Any, int]] = self.fly
        ends = asyncio.get_running_loop().time() + seconds
        return asyncio.create_task(self.shared.share(key, start, ends, outlives=outlives))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_the_same_waits_for_the_same():
    flights = Flights()
    waiting = [flights.wait() for _ in range(5)] + [flights.wait("other")]
    await settle()
    assert flights.started == 2
    flights.ends[0].set_result(7)
    flights.ends[1].set_result(8)
    assert await asyncio.gather(*waiting) == [7] * 5 + [8]
    await settle()
    assert len(flights.shared) == 0
    again = flights.wait()
    await settle()
    assert flights.started == 3, "an answer is not kept"
    flights.ends[2].set_result(9)
    assert await again == 9


async def test_an_error_is_shared_and_not_kept():
    flights = Flights()
    waiting = [flights.wait() for _ in range(3)]
    await settle()
    flights.ends[0].set_exception(ValueError("no"))
    assert [type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == [ValueError] * 3
    await settle()
    assert len(flights.shared) == 0


async def test_each_keeps_its_own_deadline_and_the_last_ends_the_flight():
    flights = Flights()
    hasty, patient = flights.wait(seconds=0.02), flights.wait()
    with pytest.raises(TimeoutError):
        await hasty
    assert (flights.cancelled, patient.done()) == (0, False)
    patient.cancel()
    await settle()
    assert flights.cancelled == 1
    assert len(flights.shared) == 0


async def test_nobody_joins_a_flight_that_is_being_ended():
    flights = Flights()
    first = flights.wait()
    await settle()
    first.cancel()
    await asyncio.sleep(0)
    second = flights.wait()
    await settle()
    assert (flights.started, flights.cancelled) == (2, 1)
    flights.ends[1].set_result(1)
    assert await second == 1


async def test_a_flight_that_outlives_its_callers_goes_on_until_it_is_closed():
    flights = Flights()
    with pytest.raises(TimeoutError):
        await flights.wait(seconds=0.01, outlives=True)
    assert (flights.cancelled, len(flights.shared)) == (0, 1)
    await flights.shared.close()
    assert (flights.cancelled, len(flights.shared)) == (1, 0)


async def test_an_old_flight_is_not_joined():
    """Its answer was decided upon when it began."""
    flights = Flights(join_within_s=0.02)
    old = flights.wait()
    await settle()
    assert flights.shared.is_joinable("k")
    await asyncio.sleep(0.03)
    assert not flights.shared.is_joinable("k")
    new = flights.wait()
    await settle()
    flights.ends[0].set_result(1)
    flights.ends[1].set_result(2)
    assert (await old, await new) == (1, 2)
    await settle()
    assert len(flights.shared) == 0
