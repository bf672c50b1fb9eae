"""Connections that would hold a node up: heads that come slowly or never end, answers that nobody takes."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from node.http import protocol
from tests.integration.http.served import serving

HEAD_S = 0.4
ANSWER = b"x" * 40_000_000


async def application(scope, receive, send):
    """Answers `/large` with much, anything else with little, and never reads a body."""
    body = ANSWER if scope["path"] == "/large" else b"answered"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_S", HEAD_S)
    monkeypatch.setattr(protocol, "TAKE_S", HEAD_S)
    async with serving(application) as port:
        yield port


@pytest.fixture
async def connection(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def closed(reader) -> tuple[bytes, float]:
    """What came until the server closed the connection, and how long that took."""
    began = time.monotonic()
    received = await asyncio.wait_for(reader.read(), 10 * HEAD_S)
    return received, time.monotonic() - began


async def test_whoever_connects_and_says_nothing_is_told_and_closed(connection):
    received, took = await closed(connection[0])
    assert received.startswith(b"HTTP/1.1 408 ")
    assert HEAD_S * 0.9 < took < HEAD_S * 10


async def test_a_head_that_trickles_has_as_long_as_one_that_does_not_come(connection):
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\n")

    async def trickle():
        with contextlib.suppress(ConnectionError):
            for number in range(100):
                writer.write(b"x-%d: y\r\n" % number)
                await asyncio.sleep(HEAD_S / 10)

    trickling = asyncio.ensure_future(trickle())
    received, took = await closed(reader)
    trickling.cancel()
    assert received.startswith(b"HTTP/1.1 408 ")
    assert took < HEAD_S * 10


async def test_a_head_that_never_ends_is_cut_off(connection):
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\n")
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 20_000_000 and not reader.at_eof():
            writer.write(b"x-header: " + b"y" * 10_000 + b"\r\n")
            sent += 10_000
            await writer.drain()
            await asyncio.sleep(0)
    with contextlib.suppress(ConnectionError):  # what is still under way may reset the connection
        received, _ = await closed(reader)
        assert received.startswith(b"HTTP/1.1 431 ")
    assert sent < 20_000_000


async def test_an_answered_request_can_not_go_on_sending_its_body(connection):
    reader, writer = connection
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nab")
    received, took = await closed(reader)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"answered")
    assert HEAD_S * 0.9 < took < HEAD_S * 10


async def test_a_client_that_does_not_take_its_answer_is_left(connection):
    reader, writer = connection
    writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.sleep(HEAD_S * 3)
    with contextlib.suppress(ConnectionError):
        received, _ = await closed(reader)
        assert len(received) < len(ANSWER)


async def test_a_connection_between_requests_may_rest(connection):
    reader, writer = connection
    for _ in range(3):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"answered"), 5)).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(HEAD_S * 1.5)
