"""What lives as long as a worker: opened in order, tasks beside the requests, closed in reverse order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Protocol

from node.backoff import Backoff

log = logging.getLogger("verbund.tasks")
Task = Callable[[], Coroutine[Any, Any, None]]


class Closable(Protocol):
    """Something that has to be closed."""

    async def close(self) -> None:
        """Close it."""
        ...


@asynccontextmanager
async def closing(*things: Closable) -> AsyncIterator[None]:
    """Close things at the end, the last one first."""
    async with AsyncExitStack() as stack:
        for thing in things:
            stack.push_async_callback(thing.close)
        yield


@asynccontextmanager
async def begun(first: Task) -> AsyncIterator[None]:
    """Do something before what is opened later."""
    await first()
    yield


@asynccontextmanager
async def living(opened: Sequence[AbstractAsyncContextManager[Any]], tasks: Sequence[Task]) -> AsyncIterator[None]:
    """Within the context everything is open and the tasks run; afterwards they have ended before anything is closed.

    A task that ends by an error that it did not foresee is told and begun anew: nobody would miss it.
    """
    async with AsyncExitStack() as stack:
        for each in opened:
            await stack.enter_async_context(each)
        for task in tasks:
            stack.push_async_callback(_cancelled, asyncio.create_task(_kept(task)))
        yield


async def _kept(task: Task) -> None:
    backoff, clock = Backoff(), asyncio.get_running_loop().time
    while True:
        began = clock()
        try:
            return await task()
        except Exception:
            wait = backoff.failed(clock() - began)
            log.exception("a task beside the requests failed; it begins anew in %.0f s", wait)
            await asyncio.sleep(wait)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
