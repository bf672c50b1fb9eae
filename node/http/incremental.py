"""An answer in parts, each sent as soon as it is there (GraphQL over HTTP, draft: incremental delivery).

The form is `multipart/mixed`, as Apollo, Relay, urql and GraphiQL read it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from litestar.types import Send

from node.http.asgi import begin

CONTENT_TYPE = 'multipart/mixed; boundary="-"'
_PART = b"\r\n---\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
_END = b"\r\n-----\r\n"


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer of which the parts, JSON each, are still made."""

    frames: AsyncGenerator[bytes]
    headers: dict[str, str]


async def send_parts(send: Send, parts: Parts, seconds: float) -> None:
    """Send the parts as they come, for so many seconds at most.

    Raises:
        TimeoutError: they are not all there. The connection must be broken off: then the client knows.
    """
    await begin(send, 200, {**parts.headers, "Content-Type": CONTENT_TYPE})
    async with asyncio.timeout(seconds), aclosing(parts.frames) as frames:
        async for frame in frames:
            await send({"type": "http.response.body", "body": _PART + frame, "more_body": True})
    await send({"type": "http.response.body", "body": _END, "more_body": False})
