"""Server-sent events (GraphQL over SSE, distinct connections mode; WHATWG HTML, 9.2): a stream is one operation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from litestar.types import Receive, Send

from node.http.asgi import begin
from node.http.negotiation import EVENTS

CONTENT_TYPE = f"{EVENTS}; charset=utf-8"
HEARTBEAT_S = 12.0  # proxies end connections that are silent for a minute or so
_BEAT = b":\n\n"
_COMPLETE = b"event: complete\ndata:\n\n"


@dataclass(frozen=True, slots=True)
class Events:
    """An answer that goes on: the JSON of each result."""

    results: AsyncGenerator[bytes]
    headers: dict[str, str]


async def send_events(send: Send, receive: Receive, events: Events) -> None:
    """Send the results as they come, until they end or the client goes.

    The next one is made when the one before is on its way. If the node is being stopped the stream breaks off without
    its end, so that clients come again.
    """
    headers = {**events.headers, "Content-Type": CONTENT_TYPE, "X-Accel-Buffering": "no"}
    await begin(send, 200, headers)
    over = asyncio.ensure_future(receive())  # the client goes, or the server is about to
    result = asyncio.ensure_future(anext(events.results, None))
    try:
        await _chunk(send, _BEAT)  # the head goes out with it
        while True:
            await asyncio.wait([over, result], timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                break
            if not result.done():
                await _chunk(send, _BEAT)
                continue
            made = result.result()
            if made is None:
                await _chunk(send, _COMPLETE)
                break
            await _chunk(send, b"event: next\ndata: " + _line(made) + b"\n\n")
            result = asyncio.ensure_future(anext(events.results, None))
    finally:
        for task in (over, result):
            task.cancel()
        await asyncio.gather(over, result, return_exceptions=True)
        await events.results.aclose()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _line(json: bytes) -> bytes:
    """The same JSON without line breaks: other cities may have written some between its tokens."""
    return json.replace(b"\n", b" ").replace(b"\r", b" ")


async def _chunk(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
