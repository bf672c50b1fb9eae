"""HEAD wherever there is GET: its answer without the body (RFC 9110, 9.3.2). Litestar's handlers know GET alone."""

from __future__ import annotations

from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

_ALLOW = b"allow"


def with_head(application: ASGIApp) -> ASGIApp:
    """The application, asked by GET for what HEAD wants to know."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] == "GET":
            await application(scope, receive, send)
        elif scope["method"] == "HEAD":
            as_get: Any = {**scope, "method": "GET"}
            await application(as_get, receive, _without_body(send))
        else:
            await application(scope, receive, _telling_of_head(send))

    return answered


def _without_body(send: Send) -> Send:
    async def sent(message: Any) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sent


def _telling_of_head(send: Send) -> Send:
    """Allow names HEAD beside GET."""

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, _and_head(value) if name == _ALLOW else value) for name, value in message["headers"]]
            message = {**message, "headers": headers}
        await send(message)

    return sent


def _and_head(allowed: bytes) -> bytes:
    methods = [method.strip() for method in allowed.split(b",")]
    return b", ".join([*methods, b"HEAD"]) if b"GET" in methods and b"HEAD" not in methods else allowed
