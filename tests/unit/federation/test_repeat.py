"""A read is sent at most twice, only within the budget, and the better answer counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from federation.errors import PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.repeat import send_read
from federation.transport import PeerResponse

Step = Callable[[], Awaitable[PeerResponse]]
HEDGE_S = 0.02


def gives(body: bytes, after: float = 0.0, status: int = 200) -> Step:
    async def step() -> PeerResponse:
        await asyncio.sleep(after)
        return PeerResponse(status, body, "application/json")

    return step


def fails(error: Exception, after: float = 0.0) -> Step:
    async def step() -> PeerResponse:
        await asyncio.sleep(after)
        raise error

    return step


class Peer:
    """What each request brings, in the order in which they are sent."""

    def __init__(self, *steps: Step, budget: int = 9) -> None:
        self.steps = list(steps)
        self.sent = self.ended_early = 0
        self.budget = budget

    async def send(self) -> PeerResponse:
        self.sent += 1
        try:
            return await self.steps[self.sent - 1]()
        except asyncio.CancelledError:
            self.ended_early += 1
            raise

    def spend(self) -> bool:
        self.budget -= 1
        return self.budget >= 0

    async def body(self, hedge_after: float | None = HEDGE_S) -> bytes:
        return (await send_read(self.send, hedge_after, self.spend)).body


def broken(*, unheard: bool = True) -> PeerUnreachable:
    return PeerUnreachable("the connection broke", came_to_nothing=unheard)


@pytest.mark.parametrize("hedge_after", [None, HEDGE_S])
async def test_a_connection_that_broke_unheard_is_tried_once_more(hedge_after):
    peer = Peer(fails(broken()), gives(b"2"))
    assert await peer.body(hedge_after) == b"2"
    peer = Peer(fails(broken()), fails(broken()), gives(b"3"))
    with pytest.raises(PeerUnreachable):
        await peer.body(hedge_after)
    assert peer.sent == 2


@pytest.mark.parametrize("error", [broken(unheard=False), PeerTimeout("late"), PeerIncompatible("odd")])
async def test_other_errors_are_not_repeated(error):
    peer = Peer(fails(error), gives(b"2"))
    with pytest.raises(type(error)):
        await peer.body()
    assert peer.sent == 1


async def test_a_quick_answer_is_not_hedged():
    peer = Peer(gives(b"1"), gives(b"2"))
    assert await peer.body() == b"1"
    await asyncio.sleep(2 * HEDGE_S)
    assert peer.sent == 1


async def test_the_quicker_of_two_counts_and_the_other_is_ended():
    peer = Peer(gives(b"1", after=30), gives(b"2"))
    assert await peer.body() == b"2"
    assert (peer.sent, peer.ended_early) == (2, 1)
    peer = Peer(gives(b"1", after=2 * HEDGE_S), gives(b"2", after=30))
    assert await peer.body() == b"1"
    await asyncio.sleep(0.01)
    assert (peer.sent, peer.ended_early) == (2, 1)


@pytest.mark.parametrize("second", [fails(broken()), fails(PeerIncompatible("odd")), gives(b"busy", status=503)])
async def test_a_bad_second_answer_is_not_preferred(second):
    peer = Peer(gives(b"1", after=3 * HEDGE_S), second)
    assert await peer.body() == b"1"
    assert peer.sent == 2


async def test_a_second_one_under_way_is_waited_for_if_the_first_breaks():
    peer = Peer(fails(broken(), after=2 * HEDGE_S), gives(b"2", after=4 * HEDGE_S), gives(b"3"))
    assert await peer.body() == b"2"
    assert peer.sent == 2


async def test_there_is_no_third():
    peer = Peer(fails(broken()), gives(b"2", after=3 * HEDGE_S), gives(b"3"))
    assert await peer.body() == b"2"
    assert peer.sent == 2


async def test_without_budget_there_is_no_second():
    peer = Peer(gives(b"1", after=2 * HEDGE_S), gives(b"2"), budget=0)
    assert await peer.body() == b"1"
    peer = Peer(fails(broken()), gives(b"2"), budget=0)
    with pytest.raises(PeerUnreachable):
        await peer.body()
    assert peer.sent == 1


async def test_who_gives_up_ends_both():
    peer = Peer(gives(b"1", after=30), gives(b"2", after=30))
    task = asyncio.create_task(peer.body())
    await asyncio.sleep(2 * HEDGE_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert (peer.sent, peer.ended_early) == (2, 2)
