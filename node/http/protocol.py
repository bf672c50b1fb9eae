"""HTTP/1.1 connections that can't be held open or filled up: what uvicorn leaves unbounded is bounded here.

Bodies are bounded where they are read (`node.http.asgi`).
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from node.http.exchange import EXTENSION, Exchange

HEAD_S = 10.0
HEAD_BYTES = 65_536
TAKE_S = 120.0  # 32 MB, the largest answer, at 2 Mbit/s


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose client sends a head too slowly, or too large a one, or doesn't take its answer.

    Nor may it go on sending the body of a request that is answered. Timers run only while something is owed, which is
    next to never: a request that comes in one piece pays nothing.
    """

    _in_head = True  # also before the first request
    _is_upgraded = False
    _head_bytes = 0
    _late: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A new connection must come with a request."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is owed any more."""
        for timer in (self._late, self._stuck):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A part of a request, a whole one, or several."""
        was_in_head = self._in_head
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if was_in_head and self._in_head else 0
        if self._head_bytes > HEAD_BYTES:
            self._close(b"431 Request Header Fields Too Large")
        else:
            self._watch()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The answer is on its way; the request may not be."""
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self) -> None:
        """The connection is another protocol's from now on."""
        self._is_upgraded = True
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """The server is about to stop: what waits for the client to go, as streams do, is woken."""
        super().shutdown()
        if self.cycle is not None:
            self.cycle.message_event.set()

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is made."""
        super().pause_writing()
        self._stuck = self.loop.call_later(TAKE_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken nearly all."""
        if self._stuck is not None:
            self._stuck.cancel()
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.scope["extensions"] = {EXTENSION: Exchange(cycle)}  # type: ignore[dict-item]  # ASGI has objects of JSON
        super()._start_asgi_task(cycle, app)

    def _watch(self) -> None:
        """Give the client time for what it owes."""
        owes = not self._is_upgraded and (self._in_head or (self.cycle.response_complete and self.cycle.more_body))
        if not owes and self._late is not None:
            self._late.cancel()
            self._late = None
        elif owes and self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._close, b"408 Request Timeout")

    def _close(self, status: bytes) -> None:
        if self._in_head and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()
