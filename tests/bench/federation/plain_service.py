"""A city as gateways want it: a GraphQL service without tokens, rules or records, about as fast as Python can be.

A document is planned once; then a request is one prepared statement that makes the JSON, over the same lean road to
PostgreSQL that Verbund takes, and its bytes go out as they are. Bare ASGI on uvicorn, one process.

`python -m tests.bench.federation.plain_service PORT` serves it; libpq's variables say where the database is.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from graphql import GraphQLError, build_schema

from node.store.session import Call
from node.store.sessions import Sessions
from tests.bench.federation.plain_document import NotUnderstood, Plan, plan

POOL = 10
STATEMENT_MS = 10_000
SDL = Path(__file__).parent / "gateways" / "city.graphql"
JSON = (b"content-type", b"application/json")


class Question(msgspec.Struct):
    """The body of a request."""

    query: str
    variables: dict[str, Any] = {}


class PlainService:
    """The ASGI application."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._schema = build_schema(SDL.read_text(encoding="utf-8"))
        self._questions = msgspec.json.Decoder(Question)
        self._plans: dict[str, Plan] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        try:
            status, answer = 200, await self._answer(body)
        except (msgspec.DecodeError, GraphQLError, NotUnderstood, KeyError) as error:
            status, answer = 400, msgspec.json.encode({"errors": [{"message": str(error)}]})
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": status, "headers": [JSON, length]})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, body: bytes) -> bytes:
        question = self._questions.decode(body)
        known = self._plans.get(question.query)
        if known is None:
            known = self._plans[question.query] = plan(self._schema, question.query)
        (result,) = await self._sessions.read(Call(known.statement, known.bind(question.variables)))
        value = result.get_value(0, 0)
        assert value is not None
        return b"".join((known.before, value, known.behind))


def main(port: int) -> None:
    """Serve until the process is told to stop."""
    sessions = Sessions("", size=POOL, statement_ms=STATEMENT_MS, name="plain")
    config = uvicorn.Config(
        PlainService(sessions),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
