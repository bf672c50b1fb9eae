"""Reads HTTP/1.1 answers off a connection, as cheaply as Python can: what is needed is where one ends. Pure.

Not handled: pipelining, trailers, answers that end with the connection. They are errors here.
"""

from __future__ import annotations

HEAD_END = b"\r\n\r\n"
MAX_HEAD = 16_384


class BadResponse(Exception):
    """The server does not speak as a benchmark needs it to."""


class ResponseReader:
    """Feed it what arrives. After an answer is complete, `status` and `length` (of its body) tell of it."""

    def __init__(self) -> None:
        self.status = 0
        self.length = 0
        self._missing = -1  # bytes of the body; -1 = the head is not complete
        self._head = b""
        self._chunks: _Chunks | None = None

    def feed(self, data: bytes) -> bool:
        """True if the answer is complete now.

        Raises:
            BadResponse: it is malformed, or there is more than one answer.
        """
        if self._chunks is not None:
            return self._feed_chunks(data)
        if self._missing >= 0:
            return self._feed_body(len(data))
        if self._head:
            data = self._head + data
        end = data.find(HEAD_END)
        if end < 0:
            if len(data) > MAX_HEAD:
                raise BadResponse("the head has no end")
            self._head = data
            return False
        self._head = b""
        body = end + len(HEAD_END)
        self._read_head(data[:body])
        if self._chunks is not None:
            return self._feed_chunks(data[body:])
        return self._feed_body(len(data) - body)

    def _read_head(self, head: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 ") or not head[9:12].isdigit():
            raise BadResponse(f"this is not HTTP/1.1: {head[:20]!r}")
        self.status = int(head[9:12])
        lower = head.lower()
        start = lower.find(b"\r\ncontent-length:")
        if start >= 0:
            self.length = self._missing = int(lower[start + 17 : lower.index(b"\r\n", start + 17)])
        elif b"\r\ntransfer-encoding: chunked\r\n" in lower:
            self._chunks = _Chunks()
        else:
            raise BadResponse("the answer has neither a length nor chunks")

    def _feed_body(self, size: int) -> bool:
        self._missing -= size
        if self._missing < 0:
            raise BadResponse(f"{-self._missing} bytes more than announced")
        if self._missing > 0:
            return False
        self._missing = -1
        return True

    def _feed_chunks(self, data: bytes) -> bool:
        assert self._chunks is not None
        if not self._chunks.feed(data):
            return False
        self.length = self._chunks.length
        self._chunks = None
        return True


class _Chunks:
    """A chunked body (RFC 9112, 7.1)."""

    def __init__(self) -> None:
        self.length = 0
        self._missing = 0  # bytes of the current chunk, with the line's end behind it
        self._rest = b""
        self._is_last = False

    def feed(self, data: bytes) -> bool:
        """True if the last chunk has been read."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        place = 0
        while place < len(data):
            if self._missing:
                step = min(self._missing, len(data) - place)
                self._missing -= step
                place += step
                if self._is_last and not self._missing:
                    if place < len(data):
                        raise BadResponse("more than one answer")
                    return True
                continue
            end = data.find(b"\r\n", place)
            if end < 0:
                self._rest = data[place:]
                break
            size = self._size(data[place:end])
            self.length += size
            self._is_last = size == 0
            self._missing = size + 2
            place = end + 2
        return False

    @staticmethod
    def _size(line: bytes) -> int:
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError:
            raise BadResponse(f"this is no chunk size: {line[:20]!r}") from None
