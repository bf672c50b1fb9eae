"""What runs beside the requests goes on, whatever happens to it, until the end."""

from __future__ import annotations

import asyncio

from node.lifespan import living


async def test_a_task_that_fails_unforeseen_is_told_and_begins_anew(caplog):
    begun, again = 0, asyncio.Event()

    async def fails_once() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise OverflowError("nobody thought of it")
        again.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(20), living([], [fails_once]):
        await again.wait()
    assert begun == 2
    assert "nobody thought of it" in caplog.text


async def test_a_task_that_comes_to_its_end_is_left_alone():
    begun = 0

    async def ends() -> None:
        nonlocal begun
        begun += 1

    async with living([], [ends]):
        await asyncio.sleep(0.05)
    assert begun == 1


async def test_tasks_have_ended_before_anything_is_closed():
    order: list[str] = []

    class Opened:
        async def __aenter__(self) -> None:
            order.append("opened")

        async def __aexit__(self, *_: object) -> None:
            order.append("closed")

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            order.append("ended")

    async with living([Opened()], [works]):
        await asyncio.sleep(0)
    assert order == ["opened", "ended", "closed"]
