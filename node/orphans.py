"""A worker whose supervisor was killed must not go on serving: it would hold the port, and nobody could stop it."""

from __future__ import annotations

import asyncio
import os
import signal
from multiprocessing import parent_process

CHECK_EVERY_S = 1.0


def supervisor() -> int:
    """The process that has started this worker, though it may have ended before the worker came to ask."""
    parent = parent_process()
    return os.getppid() if parent is None or parent.pid is None else parent.pid


async def end_with_parent(parent: int) -> None:
    """Wait until the parent process is another one than `parent`, then end this process at once."""
    while os.getppid() == parent:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(CHECK_EVERY_S)
    os.kill(os.getpid(), signal.SIGKILL)
