"""One exchange over ASGI without objects for request and response: they would cost more than a small answer."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send, WebSocketScope

from node.http.exchange import exchange_of

log = logging.getLogger("verbund.http")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_ALWAYS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_CONTENT_LENGTH = b"content-length"
_BODILESS = {204, 304}

Endpoint = Callable[[HTTPScope, Receive, Send], Awaitable[None]]
WebSocket = Callable[[WebSocketScope, Receive, Send], Awaitable[None]]


class ClientGone(Exception):
    """The client closed the connection before it had sent its request."""


class BodyTooLarge(Exception):
    """The body exceeds its bound."""


class Answer(msgspec.Struct, frozen=True):
    """What is sent back."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = {}


def headers_of(scope: Scope) -> dict[bytes, str]:
    """The request's headers by name in small letters; repeated ones are one list (RFC 9110, 5.3)."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


async def body_of(headers: Mapping[bytes, str], scope: HTTPScope, receive: Receive, bound: int) -> bytes:
    """The body, no longer than `bound` bytes.

    Raises:
        BodyTooLarge, ClientGone.
    """
    declared = headers.get(_CONTENT_LENGTH, "")
    if declared.isdigit() and int(declared[:12]) > bound:
        raise BodyTooLarge
    exchange = exchange_of(scope)
    whole = exchange.body() if exchange is not None else None
    if whole is not None:
        if len(whole) > bound:
            raise BodyTooLarge
        return whole
    body = b""
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        body = body + part if body else part
        if len(body) > bound:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return body


def routed(
    endpoints: Mapping[str, Endpoint], others: ASGIApp, web_sockets: Mapping[str, WebSocket] | None = None
) -> ASGIApp:
    """An application that hands some paths to endpoints and the rest to `others`.

    For what is asked thousands of times a second: a framework's own layers take a tenth of such a request.
    """

    def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP:
            endpoint = endpoints.get(scope["path"])
            if endpoint is not None:
                return endpoint(scope, receive, send)
        elif str(scope["type"]) == "lifespan":  # Litestar's types do not know it
            return _lifespan(others, scope, receive, send)
        elif scope["type"] == ScopeType.WEBSOCKET:
            web_socket = (web_sockets or {}).get(scope["path"])
            if web_socket is not None:
                return web_socket(scope, receive, send)
        return others(scope, receive, send)

    return application


async def _lifespan(application: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """What fails at the start or the end is told as all errors are; a traceback as text might quote anything."""

    async def plain(message: Any) -> None:
        await send({"type": message["type"]})

    try:
        await application(scope, receive, plain)
    except Exception as error:
        cause: BaseException = error
        while isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
            cause = cause.exceptions[0]
        log.error("the worker could not come up, or go down, in order", exc_info=cause)  # noqa: TRY400 - as told above
        raise


async def send_answer(scope: HTTPScope, send: Send, answer: Answer) -> None:
    """Send the answer; to HEAD without its body."""
    headers = _encoded(answer.headers)
    if answer.status not in _BODILESS:  # these must not tell the length of a body (RFC 9110, 8.6)
        headers.append((b"content-type", answer.content_type.encode()))
        headers.append((_CONTENT_LENGTH, str(len(answer.body)).encode()))
    body = b"" if scope["method"] == "HEAD" else answer.body
    exchange = exchange_of(scope)
    if exchange is None or not exchange.answer(answer.status, headers, body):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def begin(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """Send the head of an answer whose length is not known yet."""
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [*_ALWAYS, *map(_pair, headers.items())]


@lru_cache(maxsize=256)
def _pair(header: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = header
    return name.lower().encode(), value.encode("latin-1", "replace")
