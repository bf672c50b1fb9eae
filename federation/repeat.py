"""Send a read once more where that helps: after a connection that broke unheard, or beside one that takes too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from federation.errors import PeerUnreachable
from federation.transport import PeerResponse

CANT_SERVE = frozenset({429, 502, 503, 504})  # it is overloaded, or its gateway does not reach it

Send = Callable[[], Coroutine[Any, Any, PeerResponse]]


async def send_read(send: Send, hedge_after: float | None, may_send_again: Callable[[], bool]) -> PeerResponse:
    """The first good response of at most two requests for the same thing.

    The second one is sent after `hedge_after` seconds without an answer (None: never), or when the connection of the
    first broke before any byte came; each time only if `may_send_again`. What is slower is ended.

    Raises:
        PeerError: the first request's error, if the second brought nothing better.
    """
    second = _Second(send, may_send_again)
    if hedge_after is None:
        return await _first(send, second)
    async with second:
        timer = asyncio.get_running_loop().call_later(hedge_after, second.begin)
        try:
            async with asyncio.timeout(None) as limit:
                second.limit = limit
                try:
                    return await _first(send, second)
                finally:
                    second.limit = None
                    timer.cancel()
        except TimeoutError:
            if (response := second.response()) is None:
                raise
            return response
        except PeerUnreachable:
            if (response := await second.awaited()) is None:
                raise
            return response


async def _first(send: Send, second: _Second) -> PeerResponse:
    try:
        return await send()
    except PeerUnreachable as error:
        if not error.came_to_nothing or not second.claim():
            raise
    return await send()


class _Second:
    """The one further request that there may be. Once it is answered well, `limit` ends the wait for the first."""

    def __init__(self, send: Send, may_send_again: Callable[[], bool]) -> None:
        self._send = send
        self._may_send_again = may_send_again
        self._is_claimed = False
        self._task: asyncio.Task[PeerResponse] | None = None
        self.limit: asyncio.Timeout | None = None

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_error: object) -> None:
        if self._task is not None:
            self._task.cancel()

    def claim(self) -> bool:
        """True once, if there may be a second request at all."""
        if self._is_claimed or not self._may_send_again():
            return False
        self._is_claimed = True
        return True

    def begin(self) -> None:
        """Send it beside the first."""
        if self.claim():
            self._task = asyncio.create_task(self._send())
            self._task.add_done_callback(self._arrived)

    def response(self) -> PeerResponse | None:
        """Its response, if there is one already and it is a good one."""
        task = self._task
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return None if task.result().status in CANT_SERVE else task.result()

    async def awaited(self) -> PeerResponse | None:
        """Its response, if it was sent and a good one comes."""
        if self._task is not None:
            await asyncio.wait([self._task])
        return self.response()

    def _arrived(self, _task: asyncio.Task[PeerResponse]) -> None:
        if self.response() is not None and self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time())
