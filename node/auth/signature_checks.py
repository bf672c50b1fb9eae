"""Check signatures beside the requests: in a process of its own, as soon as several are under way at once.

A check takes as much processor time as a fifth of a small request, and does not need anything of the node. A thread
would be no help: each check would hand the interpreter's lock over twice. The process is started when it is first
worth it; without it, or if it does not answer, signatures are checked on the spot.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from federation.es256 import Signature, holds

log = logging.getLogger(__name__)

PATIENCE_S = 1.0
AGAIN_S = 10.0
MODULE = "node.auth.signature_process"

_Waiting = tuple[Signature, asyncio.Future[bool]]


class SignatureChecks:
    """Tells which signatures hold. `busy`: how many other requests are under way."""

    def __init__(self, busy: Callable[[], int] = lambda: 0) -> None:
        self._busy = busy
        self._helper: _Helper | None = None
        self._starting: asyncio.Task[None] | None = None
        self._may_start = _cores() > 1

    async def hold(self, signature: Signature) -> bool:
        """Whether a signature holds."""
        if self._busy():
            if self._helper is not None and self._helper.is_alive:
                return await self._helper.ask(signature)
            if self._may_start:
                self._may_start = False
                self._starting = asyncio.create_task(self._start())
        return holds(signature)

    async def close(self) -> None:
        """End the process."""
        if self._starting is not None:
            self._starting.cancel()
            with suppress(asyncio.CancelledError):
                await self._starting
        if self._helper is not None:
            await self._helper.close()

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair()
        with there:
            process = await asyncio.to_thread(_run, there)
        here.settimeout(0)
        _, self._helper = await loop.create_unix_connection(lambda: _Helper(loop, process, self._lost), sock=here)

    def _lost(self) -> None:
        log.warning("the process that checks signatures is gone; until there is another, they are checked here")
        asyncio.get_running_loop().call_later(AGAIN_S, self._allow)

    def _allow(self) -> None:
        self._may_start = True


class _Helper(asyncio.Protocol):
    """The connection with the process: signatures go out in order, and their verdicts come back in the same."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, process: subprocess.Popen[bytes], lost: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._process = process
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._waiting: deque[_Waiting] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._is_closing = False

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._transport is not None

    def ask(self, signature: Signature) -> asyncio.Future[bool]:
        """The verdict, when it is there. What is asked in one turn of the event loop is sent together."""
        if not self._outgoing:
            self._loop.call_soon(self._send)
        self._outgoing += signature
        verdict: asyncio.Future[bool] = self._loop.create_future()
        self._waiting.append((signature, verdict))
        return verdict

    def _send(self) -> None:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self._transport is not None:
            self._transport.write(data)
            if self._watch is None:
                self._watch = self._loop.call_later(PATIENCE_S, self._give_up, self._waiting[-1])

    def _give_up(self, last: _Waiting) -> None:
        """What was asked this long ago must have been answered."""
        self._watch = None
        if last in self._waiting and self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It may be asked."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """A verdict is one byte."""
        for holds_ in data:
            _, verdict = self._waiting.popleft()
            if not verdict.done():
                verdict.set_result(holds_ == 1)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The process is gone: what it owes is done here."""
        self._transport = None
        self._process.kill()
        self._loop.run_in_executor(None, self._process.wait)
        for signature, verdict in self._waiting:
            if not verdict.done():
                verdict.set_result(holds(signature))
        self._waiting.clear()
        if not self._is_closing:
            self._lost()

    async def close(self) -> None:
        """End the process and wait until it is gone."""
        self._is_closing = True
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.close()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(end: socket.socket) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", MODULE, str(end.fileno())], pass_fds=[end.fileno()], stdin=subprocess.DEVNULL
    )
