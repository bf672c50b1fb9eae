"""uvicorn's WebSocket protocol, but a client that takes nothing is not waited for for ever.

uvicorn sends nothing, not even a close frame, until the client has taken what is on its way, and closing waits for
that, too: a client that stops reading would keep its subscriptions for as long as it likes.
"""

from __future__ import annotations

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from node.http.transport_ws import TOO_SLOW

TAKE_S = 45.0  # for what is on its way to be taken
LEAVE_S = 10.0  # then for the close frame
REASON = "take messages faster, and go on from your cursor"


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One connection; see the module."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._patience: TimerHandle | None = None

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        super().pause_writing()
        self._within(TAKE_S, self._too_slow)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._stop_waiting()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """It has not answered a ping."""
        super().keepalive_timeout()
        self._within(LEAVE_S, self.transport.abort)

    def _too_slow(self) -> None:
        """The frame lies behind what is on its way: who begins to read again finds it there."""
        if not self.close_sent and not self.transport.is_closing():
            self.queue.put_nowait({"type": "websocket.disconnect", "code": TOO_SLOW, "reason": REASON})
            self.conn.send_close(TOO_SLOW, REASON)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self._within(LEAVE_S, self.transport.abort)

    def _within(self, seconds: float, then: Any) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
