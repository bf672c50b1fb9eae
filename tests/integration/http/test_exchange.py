"""An answer in one piece is, byte for byte, what ASGI's messages make of it."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest

from node.http.asgi import Answer, body_of, headers_of, send_answer
from node.http.exchange import Exchange, exchange_of
from tests.integration.http.served import serving

LARGE = 300_000


async def echo(scope, receive, send):
    """Answers with what it was sent; under /plain by ASGI's messages."""
    path = scope["path"]
    if path.startswith("/plain"):
        scope["extensions"] = {}
    else:
        assert exchange_of(scope) is not None
    body = await body_of(headers_of(scope), scope, receive, 1_000_000)
    status = 204 if path.endswith("/empty") else 200
    text = b"" if status == 204 else b"x" * LARGE if path.endswith("/large") else b"<%b>" % body
    await send_answer(scope, send, Answer(status, text, "text/plain", {"ETag": '"1"'}))


@pytest.fixture
async def port():
    async with serving(echo) as port:
        yield port


async def said(port: int, request: bytes, *later: bytes) -> bytes:
    """All that comes back until the connection ends, without the time of day."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    received = b""
    for more in later:
        received += await asyncio.wait_for(reader.read(65_536), 5)
        writer.write(more)
    received += await asyncio.wait_for(reader.read(), 5)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return re.sub(rb"date: [^\r]*", b"date:", received)


def request(method: str, path: str, *lines: str, body: bytes = b"", version: str = "1.1") -> bytes:
    head = [f"{method} {path} HTTP/{version}", "Host: x", *lines, *([f"Content-Length: {len(body)}"] if body else ())]
    return "\r\n".join([*head, "", ""]).encode() + body


CLOSE = "Connection: close"
REQUESTS = {
    "get": lambda at: [request("GET", at, CLOSE)],
    "post": lambda at: [request("POST", at, CLOSE, body=b"hello")],
    "head": lambda at: [request("HEAD", at, CLOSE)],
    "no content": lambda at: [request("GET", f"{at}/empty", CLOSE)],
    "large": lambda at: [request("GET", f"{at}/large", CLOSE)],
    "old": lambda at: [request("GET", at, version="1.0")],
    "one after the other": lambda at: [request("POST", at, body=b"1"), request("POST", at, CLOSE, body=b"2")],
    "all at once": lambda at: [
        b"".join(request("POST", at, body=b"%d" % n) for n in range(5)) + request("GET", at, CLOSE)
    ],
    "a body that is asked for": lambda at: [
        request("POST", at, CLOSE, "Expect: 100-continue", "Content-Length: 2"),
        b"ab",
    ],
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_answer_is_the_same_in_either_way(port, name):
    make = REQUESTS[name]
    assert await said(port, *make("/")) == await said(port, *make("/plain"))


async def test_a_body_in_parts_is_whole(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("POST", "/", CLOSE, "Content-Length: 2") + b"a")
    await asyncio.sleep(0.05)
    writer.write(b"b")
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"<ab>")
    writer.close()


async def test_a_small_answer_is_one_piece(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(20):
        writer.write(request("POST", "/", body=b"hello"))
        received = await asyncio.wait_for(reader.read(65_536), 5)
        assert received.endswith(b"<hello>")
    writer.close()


async def test_a_client_that_takes_nothing_is_waited_for(port):
    """The answers that it has not taken yet hold up the next one, as they do without the extension."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
    for _ in range(40):
        writer.write(request("GET", "/large"))
    await asyncio.sleep(0.3)
    writer.write(request("GET", "/", CLOSE))
    received = await asyncio.wait_for(reader.read(), 10)
    assert received.count(b"x" * LARGE) == 40
    assert received.endswith(b"<>")
    writer.close()


def test_a_line_break_in_a_header_is_no_answer():
    class Cycle:
        disconnected = response_started = False
        keep_alive = True
        default_headers = ()
        flow = type("Flow", (), {"write_paused": False})()

    with pytest.raises(ValueError, match="x-name"):
        Exchange(Cycle()).answer(200, [(b"x-name", b"a\r\nset-cookie: b")], b"")
