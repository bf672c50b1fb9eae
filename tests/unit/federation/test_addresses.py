"""No peer can make a node connect to what is not public, however the address is written or the name changes."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses import public_and
from federation.errors import PeerUnreachable
from federation.transport import PeerTransport

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1",
    "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:c0a8:101::1", "2001:0:7f00:1::",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "193.99.144.80", "2a02:2e0:3fe:1001:302::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_refused(address):
    assert not public_and()(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_allowed(address):
    assert public_and()(address)


def test_a_named_network_is_allowed_and_no_other():
    allows = public_and(["10.20.0.0/16", "fd00:1::/32"])
    assert [allows(one) for one in ("10.20.1.1", "::ffff:10.20.1.1", "fd00:1::5", "8.8.8.8")] == [True] * 4
    assert [allows(one) for one in ("10.21.1.1", "127.0.0.1", "fd00:2::5")] == [False] * 3


def test_this_machine_is_allowed_for_trials_only():
    allows = public_and(loopback=True)
    assert allows("127.0.0.1")
    assert allows("::1")
    assert not allows("10.0.0.1")
    assert not allows("169.254.169.254")


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_no_way_of_carrying_a_private_address_helps(address):
    number = int(address)
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    for written in (f"{address}", f"::ffff:{address}", f"64:ff9b::{high}:{low}", f"2002:{high}:{low}::1"):
        assert not public_and()(written)


class Door:
    """A server on this machine that counts who comes."""

    def __init__(self) -> None:
        self.visits = 0

    async def open(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def door():
    it = Door()
    async with await asyncio.start_server(it.open, "127.0.0.1", 0) as server:
        yield it, server.sockets[0].getsockname()[1]


async def refused(url: str) -> None:
    async with PeerTransport(allows=public_and()) as transport:
        with pytest.raises(PeerUnreachable, match="not a public one"):
            await transport.get(url, headers={}, timeout_s=10, max_bytes=9)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1", "0"]
)
async def test_no_spelling_of_this_machine_is_connected_to(door, host):
    it, port = door
    await refused(f"http://{host}:{port}/")
    assert it.visits == 0


async def test_a_name_that_changes_its_meaning_is_checked_where_it_counts(door, monkeypatch):
    """DNS rebinding: the first answer is harmless, the next one leads here."""
    it, port = door
    answers = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"])
    resolve = socket.getaddrinfo

    def rebound(host, port, *args, flags=0, **options):
        if host != "rebind.example" or flags:
            return resolve(host, port, *args, flags=flags, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    assert public_and()(socket.getaddrinfo("rebind.example", port)[0][4][0])
    await refused(f"http://rebind.example:{port}/")
    assert it.visits == 0


async def test_of_several_addresses_only_those_allowed_are_tried(door, monkeypatch):
    it, port = door

    def both(_host, port, *_args, **_options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    async with PeerTransport(allows=public_and(["127.0.0.1/32"])) as transport:
        await transport.get(f"http://two.example:{port}/", headers={}, timeout_s=10, max_bytes=9)
    assert it.visits == 1
