"""A city whose node misbehaves: a member with real tokens, and answers of the tests' choice."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import orjson
from aiohttp import web

from federation.jose import public_jwks
from federation.membership import MemberStatus
from federation.receipts import HEADER
from federation.trust.anchor import Vouched
from federation.trust.statements import MEDIA_TYPE, WELL_KNOWN
from node.auth.keys import create_signing_key
from tests.entity import configuration_of
from tests.federation.cities import free_port
from tests.receipts import home_of, receipt_of

Behaviour = Callable[[web.Request, dict], Awaitable[web.StreamResponse]]
CITY = "limburg"


class Liar:
    """An HTTP server that poses as the node of Limburg."""

    def __init__(self, directory) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.behaviour: Behaviour = honest
        self.asked = 0
        self.sdl: str | None = None
        self.key = create_signing_key(directory / "limburg" / "signing.pem")
        since = datetime.now(UTC).replace(microsecond=0)
        self.vouched = Vouched(CITY, "Limburg", None, self.issuer, public_jwks(self.key), MemberStatus.ACTIVE, since)
        self.home = ""

    async def token(self, request: web.Request) -> web.Response:
        self.home = home_of(await request.read())
        return web.json_response(
            {"access_token": "opaque", "token_type": "DPoP", "expires_in": 300, "scope": "data:read"}
        )

    async def metadata(self, _request: web.Request) -> web.Response:
        return web.json_response({"issuer": self.issuer, "token_endpoint": f"{self.issuer}/oauth/token"})

    async def configuration(self, _request: web.Request) -> web.Response:
        token = configuration_of(CITY, self.issuer, self.key)
        return web.Response(text=token, content_type=MEDIA_TYPE)

    async def schema(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.sdl) if self.sdl is not None else web.Response(status=404)

    async def graphql(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        body = await request.read()
        response = await self.behaviour(request, orjson.loads(body))
        if isinstance(response, web.Response) and isinstance(response.body, bytes) and HEADER not in response.headers:
            signed = receipt_of(self.key, self.issuer, self.home, request.headers, body, response.body)
            response.headers[HEADER] = signed
        return response

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Liar]:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/oauth/token", self.token)
        app.router.add_get("/.well-known/oauth-authorization-server", self.metadata)
        app.router.add_get(WELL_KNOWN, self.configuration)
        app.router.add_post("/graphql", self.graphql)
        app.router.add_get("/schema.graphql", self.schema)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield self
        finally:
            await runner.cleanup()


def columns(rows: list[dict]) -> dict:
    """The rows as a home node asks for them: where they stand, and what was selected of them."""
    return {key: [row[key] for row in rows if key in row] for key in ("s", "k", "n0")}


def page(rows: list[dict], **more) -> dict:
    return {"data": {"r": columns(rows) | {"pageInfo": {"hasNextPage": False}, "federation": reported()} | more}}


def reported(**more) -> dict:
    told = {"city": CITY, "state": "OK", "asOf": "2026-01-01T00:00:00+00:00", "policyVersion": "v", "obligations": []}
    return {"cities": [told | more]}


def row(sort: str, id_: str = "limburg:dataset:x", **more) -> dict:
    return {"s": sort, "k": id_, "n0": {"id": id_}} | more


async def honest(_request: web.Request, _body: dict) -> web.Response:
    return web.json_response(page([row("aaa"), row("zzz", "limburg:dataset:y")]))


def answers(body: object, **options) -> Behaviour:
    async def behave(_request, _body):
        if isinstance(body, bytes):
            return web.Response(body=body, **({"content_type": "application/json"} | options))
        return web.json_response(body, **options)

    return behave


async def trickles(request, _body):
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(100):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


async def stalls_after_the_headers(request, _body):
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await asyncio.sleep(10)
    return response


async def lies_about_its_length(request, _body):
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"data": {}}')
    assert request.transport is not None
    request.transport.close()
    return response


async def never_answers(_request, _body):
    await asyncio.sleep(10)
    return web.Response()


async def floods(request, _body):
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(100):
        await response.write(b" " * 1_000_000)
    return response


def zipped() -> Behaviour:
    return answers(gzip.compress(orjson.dumps(page([]))), headers={"Content-Encoding": "gzip"})
