"""The transport against a server that misbehaves in every way that peers are known to."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from federation.addresses import everywhere
from federation.errors import PeerError, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.transport import PeerResponse, PeerTransport

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DEADLINE_S = 0.4
PATIENCE_S = 10.0


class Peer:
    """A raw TCP server; keeps what it was sent."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                self.requests.append(head + await reader.readexactly(length))
                await self.behaviour(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def peer(behaviour: Behaviour) -> AsyncIterator[tuple[Peer, str]]:
    it = Peer(behaviour)
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    try:
        yield it, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql"
    finally:
        server.close()


def answers(*parts: bytes, pause_s: float = 0.0, close: bool = False) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        if close:
            writer.close()

    return behave


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK", length: int | None = None) -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % (len(body) if length is None else length), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def ask(url: str, *, max_bytes: int = 1_000, timeout_s: float = PATIENCE_S) -> PeerResponse:
    async with PeerTransport(allows=everywhere) as transport:
        return await transport.post(
            url, body=b"{}", content_type="application/json", headers={}, timeout_s=timeout_s, max_bytes=max_bytes
        )


async def fails(behaviour: Behaviour, error: type[PeerError], match: str = "", timeout_s: float = PATIENCE_S) -> float:
    """Ask a peer that behaves so; the seconds until the error came."""
    async with peer(behaviour) as (_, url):
        started = time.perf_counter()
        with pytest.raises(error, match=match):
            await ask(url, timeout_s=timeout_s)
        return time.perf_counter() - started


async def test_a_good_answer_arrives_whole() -> None:
    async with peer(answers(http(b'{"data":1}', b"Content-Type: Application/JSON; charset=utf-8"))) as (_, url):
        assert await ask(url) == PeerResponse(200, b'{"data":1}', "application/json")


async def test_an_error_status_is_an_answer() -> None:
    async with peer(answers(http(b"{}", status=b"503 Busy"))) as (_, url):
        assert (await ask(url)).status == 503


async def test_the_request_asks_for_no_encoding_and_carries_its_headers() -> None:
    async with peer(answers(http(b"{}"))) as (it, url), PeerTransport(allows=everywhere) as transport:
        await transport.post(
            url,
            body=b"abc",
            content_type="text/x",
            headers={"Authorization": "Bearer t"},
            timeout_s=PATIENCE_S,
            max_bytes=9,
        )
    head, _, body = it.requests[0].partition(b"\r\n\r\n")
    assert body == b"abc"
    for line in (b"Accept-Encoding: identity", b"Content-Type: text/x", b"Authorization: Bearer t"):
        assert line in head.split(b"\r\n")


async def test_get_sends_no_body() -> None:
    async with peer(answers(http(b"{}"))) as (it, url), PeerTransport(allows=everywhere) as transport:
        assert (await transport.get(url, headers={}, timeout_s=PATIENCE_S, max_bytes=9)).body == b"{}"
    assert it.requests[0].startswith(b"GET /graphql HTTP/1.1\r\n")


async def test_connections_are_kept_alive() -> None:
    async with peer(answers(http(b"{}"))) as (it, url), PeerTransport(allows=everywhere) as transport:
        for _ in range(3):
            await transport.get(url, headers={}, timeout_s=PATIENCE_S, max_bytes=9)
    assert (it.connections, len(it.requests)) == (1, 3)


async def test_a_cookie_is_not_remembered() -> None:
    async with (
        peer(answers(http(b"{}", b"Set-Cookie: a=b; Path=/"))) as (it, url),
        PeerTransport(allows=everywhere) as transport,
    ):
        for _ in range(2):
            await transport.get(url, headers={}, timeout_s=PATIENCE_S, max_bytes=9)
    assert not any(b"cookie" in request.lower() for request in it.requests)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with peer(answers(http(b"{}"))) as (_, url):
        assert (await ask(url)).status == 200


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(answers(pause_s=30), id="never answers"),
        pytest.param(answers(b"", http(b"{}"), pause_s=30), id="slow"),
        pytest.param(answers(*[bytes([byte]) for byte in http(b"{}")], pause_s=0.1), id="trickles its headers"),
        pytest.param(answers(http(b"", length=500), *[b"x"] * 500, pause_s=0.1), id="trickles its body"),
        pytest.param(answers(http(b"", length=9), pause_s=30), id="stalls after the headers"),
        pytest.param(answers(http(b"{}", length=9), pause_s=30), id="announces more than it sends"),
        pytest.param(
            answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", pause_s=30), id="never ends"
        ),
    ],
)
async def test_the_deadline_covers_everything(behaviour: Behaviour) -> None:
    assert await fails(behaviour, PeerTimeout, "within 400 ms", DEADLINE_S) < PATIENCE_S / 2


async def test_the_deadline_covers_connecting() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        waiting = [socket.socket() for _ in range(4)]  # fill the backlog: the next connection gets no answer
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        started = time.perf_counter()
        with pytest.raises(PeerTimeout):
            await ask(url, timeout_s=DEADLINE_S)
        assert time.perf_counter() - started < PATIENCE_S / 2
        for one in waiting:
            one.close()


async def test_the_time_of_one_peer_is_not_that_of_another() -> None:
    async with (
        peer(answers(pause_s=30)) as (_, slow),
        peer(answers(http(b"{}"))) as (_, fast),
        PeerTransport(allows=everywhere) as transport,
    ):

        async def get(url: str) -> PeerResponse:
            return await transport.get(url, headers={}, timeout_s=1.0, max_bytes=9)

        results = await asyncio.gather(get(slow), get(fast), get(slow), return_exceptions=True)
    assert [type(result) for result in results] == [PeerTimeout, PeerResponse, PeerTimeout]


async def test_an_announced_huge_answer_is_not_read() -> None:
    await fails(answers(http(b"x" * 100, length=10**12)), PeerIncompatible, "larger than 1000 bytes")


async def test_an_unannounced_huge_answer_is_cut_off() -> None:
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    endless = answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 5_000)
    await fails(endless, PeerIncompatible, "larger than 1000 bytes")


async def test_an_answer_of_just_the_limit_is_taken() -> None:
    async with peer(answers(http(b"x" * 1_000))) as (_, url):
        assert len((await ask(url)).body) == 1_000


async def test_a_redirect_is_not_followed() -> None:
    async with peer(answers(http(b"secret"))) as (target, there):
        redirect = answers(http(b"", b"Location: " + there.encode(), status=b"307 Temporary Redirect"))
        await fails(redirect, PeerIncompatible, "redirect")
    assert target.requests == []


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"deflate", b"identity, gzip"])
async def test_an_encoded_answer_is_refused_unread(encoding: bytes) -> None:
    bomb = gzip.compress(b"0" * 200_000)
    await fails(answers(http(bomb, b"Content-Encoding: " + encoding)), PeerIncompatible, "encoded")


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01 hello\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_incompatible(noise: bytes) -> None:
    await fails(answers(noise, close=True), PeerIncompatible, "not valid HTTP")


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200", http(b"{}", length=100), http(b"")[:-2]])
async def test_a_connection_that_breaks_is_unreachable(part: bytes) -> None:
    await fails(answers(part, close=True), PeerUnreachable, "broke")


async def hangs_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(
    ("behaviour", "came_to_nothing"),
    [
        (hangs_up, True),
        (answers(http(b"", length=5), close=True), False),
        (answers(http(b"a", length=5), close=True), False),
    ],
)
async def test_it_is_told_whether_a_broken_connection_had_begun_to_answer(
    behaviour: Behaviour, came_to_nothing: bool
) -> None:
    async with peer(behaviour) as (_, url):
        with pytest.raises(PeerUnreachable) as caught:
            await ask(url)
    assert caught.value.came_to_nothing is came_to_nothing


async def test_a_broken_chunk_is_never_a_whole_answer() -> None:
    broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n"
    async with peer(answers(broken, close=True)) as (_, url):
        with pytest.raises(PeerError):
            await ask(url)


async def test_a_refused_connection_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(PeerUnreachable, match="connected"):
        await ask(f"http://127.0.0.1:{port}/")


async def test_an_unknown_host_is_unreachable() -> None:
    with pytest.raises(PeerUnreachable):
        await ask("http://node.invalid/")


async def test_plain_http_behind_an_https_address_is_unreachable() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        with pytest.raises(PeerUnreachable):
            await ask(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


async def test_a_certificate_of_an_unknown_authority_is_refused_and_a_given_one_trusted(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    it = Peer(answers(http(b"{}")))
    async with await asyncio.start_server(it.serve, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(PeerUnreachable, match="certificate"):
            await ask(url)
        trusting = ssl.create_default_context(cafile=certificate)
        async with PeerTransport(allows=everywhere, ssl_context=trusting) as transport:
            assert (await transport.get(url, headers={}, timeout_s=5, max_bytes=9)).status == 200
            with pytest.raises(PeerUnreachable, match="certificate"):
                await transport.get(url.replace("localhost", "127.0.0.1"), headers={}, timeout_s=5, max_bytes=9)


def self_signed(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    path = directory / "node.pem"
    path.write_bytes(pem)
    return path


async def test_who_gives_up_while_tls_is_agreed_on_leaves_nothing_behind(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    it = Peer(answers(http(b"{}")))
    async with await asyncio.start_server(it.serve, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        before = open_files()
        async with PeerTransport(allows=everywhere, ssl_context=trusting) as transport:

            async def get(timeout_s: float) -> PeerResponse:
                return await transport.get(url, headers={}, timeout_s=timeout_s, max_bytes=9)

            for _ in range(10):
                found = await asyncio.gather(*[get(ms / 500) for ms in range(1, 13)], return_exceptions=True)
                assert {type(one) for one in found} <= {PeerTimeout, PeerResponse}
            assert (await get(PATIENCE_S)).status == 200
        for _ in range(1_000):
            if open_files() <= before:
                return
            await asyncio.sleep(0.01)  # the server has yet to notice
        raise AssertionError("a connection that nobody has is open")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_an_address_that_is_none_is_incompatible() -> None:
    with pytest.raises(PeerError):
        await ask("http://")


async def test_a_cancelled_request_stays_cancelled() -> None:
    async with peer(answers(pause_s=30)) as (_, url):
        task = asyncio.create_task(ask(url))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_closed_transport_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await PeerTransport(allows=everywhere).get("http://127.0.0.1/", headers={}, timeout_s=1, max_bytes=1)


@pytest.mark.parametrize(("header", "is_refused"), [(b"Content-Encoding: gzip", True), (b"X-Encoding: gzip", False)])
async def test_a_compressed_answer_is_never_larger_than_it_came(header: bytes, is_refused: bool) -> None:
    """100 MB of zeros come as 100 kB; whoever hides the encoding has sent 100 kB of bytes that nobody inflates."""
    bomb = gzip.compress(bytes(100_000_000), compresslevel=9)
    assert len(bomb) < 110_000
    tracemalloc.start()
    try:
        async with peer(answers(http(bomb, header))) as (_, url):
            if is_refused:
                with pytest.raises(PeerIncompatible, match="encoded"):
                    await ask(url, max_bytes=200_000)
            else:
                assert (await ask(url, max_bytes=200_000)).body == bomb
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(b"{}") + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", id="a second answer at once"),
        pytest.param(http(b"{}", b"Connection: close"), id="the last one"),
    ],
)
async def test_a_connection_that_can_not_be_trusted_is_not_used_again(answer: bytes) -> None:
    async with peer(answers(answer)) as (it, url), PeerTransport(allows=everywhere) as transport:
        for _ in range(2):
            assert (await transport.get(url, headers={}, timeout_s=PATIENCE_S, max_bytes=9)).body == b"{}"
    assert it.connections == 2


async def test_what_nobody_asked_for_ends_a_connection() -> None:
    """An answer that is there before the question could be one to somebody else's."""

    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http(b"{}"))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(http(b"[]"))

    async with peer(behave) as (it, url), PeerTransport(allows=everywhere) as transport:
        for _ in range(2):
            assert (await transport.get(url, headers={}, timeout_s=PATIENCE_S, max_bytes=9)).body == b"{}"
            await asyncio.sleep(0.2)
    assert it.connections == 2


async def test_a_connection_with_half_a_request_on_it_is_not_used_again() -> None:
    """The rest of the body would come before the next request, and its answer be taken for the next one's."""
    connections = 0
    over = asyncio.Event()

    async def refuse_unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(b"{}", status=b"413 Content Too Large"))
        await over.wait()
        writer.close()

    async with await asyncio.start_server(refuse_unread, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with PeerTransport(allows=everywhere) as transport:
            for number in (1, 2):
                response = await transport.post(
                    url, body=bytes(20_000_000), content_type="x", headers={}, timeout_s=PATIENCE_S, max_bytes=9
                )
                assert (response.status, connections) == (413, number)
        over.set()


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n"
    async with peer(answers(early, http(b"{}", b"X-A: b"))) as (_, url):
        response = await ask(url)
    assert (response.status, response.body, response.headers["x-a"]) == (200, b"{}", "b")


@pytest.mark.parametrize("header", [b"", b"Transfer-Encoding: chunked, gzip\r\n", b"Transfer-Encoding: xchunked\r\n"])
async def test_an_answer_that_only_the_end_of_the_connection_ends_is_refused(header: bytes) -> None:
    await fails(answers(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n{}", close=True), PeerIncompatible, "how long")


async def test_another_protocol_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"
    await fails(answers(switch), PeerIncompatible, "not valid HTTP")
    assert not caplog.records, "a peer writes nothing into this node's log"


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 10_000, id="trailers"),
        pytest.param(b"2;" + b"a" * 50_000, id="a chunk extension"),
        pytest.param(b"2\r\n{}\r\n0\r\nX: " + b"y" * 50_000, id="a trailer without an end"),
    ],
)
async def test_what_is_no_body_is_bounded_too(flood: bytes) -> None:
    await fails(
        answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", flood), PeerIncompatible, "HTTP|larger"
    )


async def test_an_answer_in_crumbs_does_not_fill_the_memory() -> None:
    crumbs, rounds = b"2\r\n  \r\n" * 10_000, 50
    async with peer(answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[crumbs] * rounds)) as (_, url):
        with pytest.raises(PeerIncompatible, match="too many pieces"):
            await ask(url, max_bytes=32_000_000)


async def test_a_header_can_not_bring_another_one() -> None:
    async with peer(answers(http(b"{}"))) as (it, url), PeerTransport(allows=everywhere) as transport:
        with pytest.raises(ValueError, match="line break"):
            await transport.get(url, headers={"A": "b\r\nX: y"}, timeout_s=PATIENCE_S, max_bytes=9)
    assert it.requests == []


async def test_there_are_never_more_connections_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.connections.CONNECTIONS", 3)
    most = now = 0

    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        writer.write(http(b"{}"))

    async with (
        peer(behave) as (one, here),
        peer(behave) as (other, there),
        PeerTransport(allows=everywhere) as transport,
    ):

        async def get(url: str, timeout_s: float = PATIENCE_S) -> int:
            return (await transport.get(url, headers={}, timeout_s=timeout_s, max_bytes=9)).status

        waiting = [get(url) for url in (here, there) * 10]
        hasty = [get(here, 0.001) for _ in range(5)]
        found = await asyncio.gather(*waiting, *hasty, return_exceptions=True)
        assert found[:20] == [200] * 20
        assert [await get(here), await get(there)] == [200, 200], "who gave up waiting took no place away"
    assert most <= 3
    assert len(one.requests) + len(other.requests) >= 22


async def test_connections_end_when_they_have_been_idle_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.connections.KEEP_ALIVE_S", 0.0)
    async with peer(answers(http(b"{}"))) as (it, url), PeerTransport(allows=everywhere) as transport:
        for _ in range(2):
            await transport.get(url, headers={}, timeout_s=PATIENCE_S, max_bytes=9)
    assert it.connections == 2


async def test_each_who_needs_room_gets_the_place_of_another_idle_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a city that hangs would hold up the others until it answers."""
    monkeypatch.setattr("federation.connections.CONNECTIONS", 3)
    everybody = asyncio.Barrier(3)

    async def together(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await everybody.wait()
        writer.write(http(b"{}"))

    async with (
        peer(together) as (_, here),
        peer(answers(pause_s=PATIENCE_S)) as (_, hanging),
        peer(answers(http(b"{}"))) as (_, there),
        PeerTransport(allows=everywhere) as transport,
    ):

        async def get(url: str) -> int:
            return (await transport.get(url, headers={}, timeout_s=PATIENCE_S, max_bytes=9)).status

        assert await asyncio.gather(*[get(here) for _ in range(3)]) == [200] * 3, "three are idle now"
        held_up, other = asyncio.create_task(get(hanging)), asyncio.create_task(get(there))
        assert await other == 200
        held_up.cancel()
