"""An event loop whose clock jumps: whoever sleeps an hour has slept it at once, and every run is the same."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Jumping(selectors.SelectSelector):
    loop: JumpingLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("everybody waits for something that never comes")
            self.loop.now += timeout
        return found


class JumpingLoop(asyncio.SelectorEventLoop):
    """Time stands still while something runs, and jumps to the next timer when nothing does."""

    def __init__(self) -> None:
        selector = _Jumping()
        super().__init__(selector)
        selector.loop = self
        self.now = 1_000.0

    def time(self) -> float:
        """Simulated seconds."""
        return self.now


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """As `asyncio.run`, in simulated time."""
    loop = JumpingLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
