"""The load client counts every answer once, and calls what is wrong a failure."""

from __future__ import annotations

import asyncio

import pytest

from federation.proofs import ProofKey, read_proof
from tests.bench.read.http_client import run
from tests.bench.read.job import HttpJob, Proofs

REQUESTS = [b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(3)]
BODY = b'{"data":{"a":1}}'


class Server:
    """Answers with what `answer` says, and remembers what was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[bytes] = []

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(request)
                if not self.answer:
                    break
                writer.write(self.answer)
        except asyncio.IncompleteReadError:
            pass
        writer.close()


def answer(status: int, body: bytes = BODY) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def measure(server: Server, connections: int = 2):
    async with server as port:
        return await run(HttpJob(port, REQUESTS, [len(BODY)] * 3, connections, 0.1))


async def test_every_answer_is_counted_and_the_requests_take_turns():
    server = Server(answer(200))
    load = await measure(server)
    assert (load.failures, load.answers) == (0, len(server.asked))
    assert {server.asked.count(request) for request in REQUESTS} <= {load.answers // 3, load.answers // 3 + 1}
    assert 0 < load.p50_ms <= load.p99_ms < 100
    assert load.rps == pytest.approx(load.answers / load.seconds)


async def test_each_request_has_a_proof_of_its_own():
    server, key = Server(answer(200)), ProofKey.new()
    async with server as port:
        proofs = Proofs(key.private_jwk, "token", "nonce", "http://x/graphql")
        load = await run(HttpJob(port, REQUESTS, [len(BODY)] * 3, 2, 0.1, proofs))
    assert load.failures == 0
    told = [read_proof(dict(parse(request))["DPoP"]) for request in server.asked]
    assert len({proof.digest for proof in told}) == len(told) == load.answers
    assert {(proof.thumbprint, proof.nonce) for proof in told} == {(key.thumbprint, "nonce")}


def parse(request: bytes) -> list[tuple[str, str]]:
    return [tuple(line.split(": ", 1)) for line in request.decode().split("\r\n")[1:-2]]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [(answer(503), "status 503"), (answer(200, b"{}"), "2 bytes of at least 16"), (b"", "closed"),
     (b"what? \r\n\r\n", "not HTTP/1.1")],
)  # fmt: skip
async def test_anything_else_is_a_failure(wrong, told):
    load = await measure(Server(wrong), connections=1)
    assert (load.answers, load.failures) == (0, 1)
    assert told in load.first_failure
