"""Many owners in one process, each on a port of its own: tokens for whoever asks, prepared answers, and counts.

What an owner has answered once it answers from memory: the home node is what is measured here.

`python -m tests.bench.federation.simulated_owners KEY PORT …` serves an owner on each port, all with this key; GET
/counts tells how many requests and bytes of questions and answers there were.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from joserfc.jwk import ECKey

from federation.receipts import HEADER
from federation.trust.statements import WELL_KNOWN
from node.auth.keys import load_signing_key
from tests.bench.federation.simulated_answers import NAMES, answer, owners_schema
from tests.bench.read.job import REPOSITORY
from tests.entity import configuration_of
from tests.receipts import home_of, receipt_of

SDL = REPOSITORY / "schema" / "schema.graphql"
TOKEN = {"access_token": "simulated", "token_type": "DPoP", "expires_in": 3_600, "scope": "data:read"}
BACKLOG = 256
JSON = (b"content-type", b"application/json")
RECEIPT = HEADER.lower().encode()
PASSED = {b"dpop": "DPoP", b"traceparent": "traceparent"}


class Question(msgspec.Struct):
    """The body of a request."""

    query: str
    variables: dict[str, Any] = {}


class Counts(msgspec.Struct):
    """Questions at `/graphql`, and the bytes of the bodies both ways."""

    requests: int = 0
    asked_bytes: int = 0
    answer_bytes: int = 0


class SimulatedOwners:
    """The ASGI application."""

    def __init__(self, key: ECKey, ports: list[int]) -> None:
        self._key = key
        self._home = ""
        self._numbers = {port: number for number, port in enumerate(ports)}
        self._schema = owners_schema(SDL.read_text(encoding="utf-8"))
        self._answers: dict[tuple[int, bytes], bytes] = {}
        self._counts = Counts()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body"):
                break
        port = scope["server"][1]
        if scope["path"] == WELL_KNOWN:
            told = configuration_of(NAMES[self._numbers[port]], f"http://127.0.0.1:{port}", self._key).encode()
        else:
            told = self._tell(port, scope["path"], body)
        headers = [JSON, (b"content-length", b"%d" % len(told))]
        if scope["path"] == "/graphql":
            asked = {PASSED[name]: value.decode() for name, value in scope["headers"] if name in PASSED}
            signed = receipt_of(self._key, f"http://127.0.0.1:{port}", self._home, asked, body, told)
            headers.append((RECEIPT, signed.encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})

    def _tell(self, port: int, path: str, body: bytes) -> bytes:
        if path == "/graphql":
            return self._answer(port, body)
        if path == "/oauth/token":
            self._home = home_of(body)
        return msgspec.json.encode(self._counts if path == "/counts" else TOKEN)

    def _answer(self, port: int, body: bytes) -> bytes:
        number = self._numbers[port]
        known = self._answers.get((number, body))
        if known is None:
            question = msgspec.json.decode(body, type=Question)
            known = answer(self._schema, number, question.query, question.variables)
            self._answers[number, body] = known
        self._counts.requests += 1
        self._counts.asked_bytes += len(body)
        self._counts.answer_bytes += len(known)
        return known


def main(key: Path, ports: list[int]) -> None:
    """Serve until the process is told to stop."""
    config = uvicorn.Config(
        SimulatedOwners(load_signing_key(key), ports),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
    )
    sockets = [socket.create_server(("127.0.0.1", port), backlog=BACKLOG) for port in ports]
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=sockets)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]])
