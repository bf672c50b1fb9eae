"""A request answered in one piece: one write to the socket, and no ASGI messages in between.

ASGI sends the head of an answer and its body apart, which are two system calls, and wakes the client twice. An
application that has the whole answer finds this in the scope's extensions, if the server offers it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:  # the supervising process has this module, and nothing else of Litestar
    from litestar.types import HTTPScope

EXTENSION = "verbund.exchange"
JOINED = 65_536  # bytes: beyond, a second buffer costs less than a copy

Header = tuple[bytes, bytes]


class Exchange:
    """One request of uvicorn's, and its answer."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def body(self) -> bytes | None:
        """The request's body, once, if it has arrived as a whole; None: ask ASGI's `receive`."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        cycle.message_event.clear()
        return body

    def answer(self, status: int, headers: Iterable[Header], body: bytes) -> bool:
        """Send the answer, whose headers tell its length. False if it must wait: then use ASGI's `send`.

        Raises:
            ValueError: a header has a line break.
        """
        cycle = self._cycle
        if cycle.disconnected or cycle.flow.write_paused or cycle.response_started:
            return False
        head = [STATUS_LINE[status], *map(_line, cycle.default_headers), *map(_line, headers)]
        head.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        if len(body) < JOINED:
            cycle.transport.write(b"".join((*head, body)))
        else:
            cycle.transport.writelines((b"".join(head), body))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


def exchange_of(scope: HTTPScope) -> Exchange | None:
    """What the server offers for this request."""
    offered: object = (scope.get("extensions") or {}).get(EXTENSION)
    return offered if isinstance(offered, Exchange) else None


@lru_cache(maxsize=1_024)
def _line(header: Header) -> bytes:
    name, value = header
    if any(byte in name + value for byte in b"\r\n\0"):
        raise ValueError(f"the value of {name.decode('latin-1')} has a line break")
    return b"%b: %b\r\n" % header
