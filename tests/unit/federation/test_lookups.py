"""Names of peers, looked up: what one name server takes is not taken from the others."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from federation.addresses import everywhere
from federation.errors import PeerTimeout, PeerUnreachable
from federation.transport import PeerTransport

SURELY_S = 10.0
MANY = 100  # more than there are threads


class NameServers:
    """The system's resolver; names that begin with `hangs` are answered when the test is over."""

    def __init__(self) -> None:
        self.lookups: list[str] = []
        self.asked, self.over = threading.Event(), threading.Event()
        self._resolve = socket.getaddrinfo

    def getaddrinfo(self, host, port, *args, **options):
        if isinstance(host, str) and host.endswith(".example") and not options.get("flags"):
            self.lookups.append(host)
            self.asked.set()
            if host.startswith("hangs"):
                self.over.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "it is away")
        return self._resolve(host, port, *args, **options)


@pytest.fixture
def names(monkeypatch):
    it = NameServers()
    monkeypatch.setattr(socket, "getaddrinfo", it.getaddrinfo)
    yield it
    it.over.set()


@pytest.fixture
async def transport():
    async with PeerTransport(allows=everywhere) as it:
        yield it


@pytest.fixture
async def server():
    async def open_(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(open_, "127.0.0.1", 0) as it:
        yield f"http://localhost:{it.sockets[0].getsockname()[1]}/"


async def get(transport: PeerTransport, url: str, timeout_s: float = SURELY_S) -> int:
    return (await transport.get(url, headers={}, timeout_s=timeout_s, max_bytes=9)).status


async def test_a_name_server_that_hangs_holds_up_nobody_else(names, transport, server):
    asked = [get(transport, "http://hangs.example/", 0.1) for _ in range(MANY)]
    assert {type(error) for error in await asyncio.gather(*asked, return_exceptions=True)} == {PeerTimeout}
    assert names.lookups == ["hangs.example"], "it is under way still, for whoever comes next"
    assert await get(transport, server) == 200


async def test_several_that_hang_do_not_either(names, transport, server):
    asked = [get(transport, f"http://hangs-{number}.example/", 0.1) for number in range(40)]
    assert {type(error) for error in await asyncio.gather(*asked, return_exceptions=True)} == {PeerTimeout}
    assert await get(transport, server) == 200


async def test_what_could_not_be_found_is_looked_up_again(names, transport):
    for _ in range(2):
        with pytest.raises(PeerUnreachable, match="can't be connected to"):
            await get(transport, "http://away.example/")
    assert names.lookups == ["away.example"] * 2


async def test_a_transport_is_closed_while_a_name_server_hangs(names):
    async with PeerTransport(allows=everywhere) as transport:
        asking = asyncio.create_task(get(transport, "http://hangs.example/"))
        await asyncio.to_thread(names.asked.wait, SURELY_S)
    with pytest.raises(asyncio.CancelledError):
        await asking
