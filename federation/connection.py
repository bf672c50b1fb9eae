"""One HTTP/1.1 connection to a peer, which answers one request at a time. Every byte that comes is counted.

llhttp (through httptools) reads the answer, strictly: nothing lenient is switched on. What a peer sends beyond what was
asked for, or before, ends the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from federation.errors import PeerError, PeerIncompatible, PeerUnreachable

MAX_HEAD_BYTES = 16_384
MAX_PIECES = 100_000  # of a body; packets of 32 MB are 23,000. A piece of two bytes takes fifty in memory
NOT_HTTP = "its answer is not valid HTTP"
BROKE = "the connection broke before its answer was complete"


class Headers(dict[str, str]):
    """By names in small letters; `get` takes any."""

    def get(self, name: str, default: Any = None) -> Any:
        """See `dict.get`."""
        return super().get(name.lower(), default)


@dataclass(frozen=True, slots=True)
class PeerResponse:
    """A peer's whole answer. `content_type` is without parameters, in small letters; `headers.get` ignores case."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


class Connection(asyncio.Protocol):
    """Made by the event loop; `on_lost` is told when it is gone."""

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self.is_reusable = True
        self.idle_since = 0.0
        self._on_lost = on_lost
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[PeerResponse] | None = None

    def ask(self, request: bytes, max_bytes: int) -> asyncio.Future[PeerResponse]:
        """Send a request; the answer, whose body has at most `max_bytes`, or a `PeerError`. Cancel it with `abort`."""
        answer: asyncio.Future[PeerResponse] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self._max_bytes = max_bytes
        self._received = 0
        self._size = 0
        self._is_in_body = False
        self._headers = Headers()
        self._header_bytes = 0
        self._chunks: list[bytes] = []
        if self._transport is None or self._transport.is_closing():
            self._fail(PeerUnreachable(BROKE, came_to_nothing=True))
        else:
            self._transport.write(request)
        return answer

    def abort(self) -> None:
        """End it at once; nobody waits for an answer any more."""
        self.is_reusable = False
        if self._transport is not None:
            self._transport.abort()

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._answer is None:  # nothing was asked
            self.abort()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):  # to another protocol: nobody asked for that
            self._fail(PeerIncompatible(NOT_HTTP))
            return
        if not self._is_in_body and self._received > MAX_HEAD_BYTES:
            self._fail(PeerIncompatible(NOT_HTTP))
        elif self._received > 2 * self._max_bytes + MAX_HEAD_BYTES:  # long chunk extensions, endless trailers
            self._fail(self._too_large())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - see `asyncio.Protocol`
        """See `asyncio.Protocol`."""
        self.is_reusable = False
        if self._answer is not None:
            self._fail(PeerUnreachable(BROKE, came_to_nothing=not self._received))
        self._on_lost(self)

    # what the parser calls

    def on_message_begin(self) -> None:
        """See `httptools.HTTPProtocol`."""
        if self._answer is None:  # a second answer to one request
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `httptools.HTTPProtocol`. Trailers come here, too."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEAD_BYTES:
            self._fail(PeerIncompatible(NOT_HTTP))
        elif self._answer is not None and not self._is_in_body:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """See `httptools.HTTPProtocol`."""
        status = self._parser.get_status_code()
        if status < 200:  # more is to come
            self._headers.clear()
            return
        self._is_in_body = True
        if 300 <= status < 400:
            self._fail(PeerIncompatible(f"it answered with a redirect ({status}); redirects are not followed"))
        elif self._headers.get("content-encoding", "identity").lower() != "identity":
            self._fail(PeerIncompatible("it sent an encoded answer, though identity was asked for"))
        elif (length := self._headers.get("content-length")) is not None:
            if int(length) > self._max_bytes:
                self._fail(self._too_large())
        elif self._headers.get("transfer-encoding", "").lower().split(",")[-1].strip() != "chunked" and status != 204:
            # it would end with the connection: nobody could tell whether it is whole
            self._fail(PeerIncompatible("it does not tell how long its answer is"))

    def on_body(self, body: bytes) -> None:
        """See `httptools.HTTPProtocol`."""
        self._size += len(body)
        if self._size > self._max_bytes:
            self._fail(self._too_large())
        elif len(self._chunks) >= MAX_PIECES:
            self._fail(PeerIncompatible("its answer comes in too many pieces"))
        elif self._answer is not None:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        """See `httptools.HTTPProtocol`."""
        answer, transport = self._answer, self._transport
        if answer is None or transport is None or not self._is_in_body:
            return
        self._answer = None
        # what is unsent yet of this request would come before the next one
        self.is_reusable = self._parser.should_keep_alive() and not transport.get_write_buffer_size()
        content_type = self._headers.get("content-type", "").partition(";")[0].strip().lower()
        if not answer.done():
            body = b"".join(self._chunks)
            answer.set_result(PeerResponse(self._parser.get_status_code(), body, content_type, self._headers))
        self._chunks = []

    def _too_large(self) -> PeerIncompatible:
        return PeerIncompatible(f"its answer is larger than {self._max_bytes} bytes")

    def _fail(self, error: PeerError) -> None:
        answer, self._answer = self._answer, None
        self._chunks = []
        if answer is not None and not answer.done():
            answer.set_exception(error)
        self.abort()
