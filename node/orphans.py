"""A worker whose supervisor was killed must not go on serving: it would hold the port, and nobody could stop it."""

from __future__ import annotations

import asyncio
import os
import signal

CHECK_EVERY_S = 1.0


async def end_with_parent(parent: int) -> None:
    """Wait until the parent process is another one than `parent`, then end this process at once."""
    while os.getppid() == parent:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(CHECK_EVERY_S)
    os.kill(os.getpid(), signal.SIGKILL)
