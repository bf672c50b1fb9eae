"""Whole token services over real HTTP: each city with a database, routes and membership of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from litestar import Litestar

from federation.membership import Membership
from node.auth.callers import Callers, Claimed, Presented
from node.auth.identity import NodeIdentity
from node.auth.service import TokenService
from node.auth.uses import ASYNCHRONOUS, Uses
from node.http.oauth import oauth_routes
from node.store.pool import Pool, make_pool
from node.store.sessions import Sessions
from policy.model import Caller
from tests.unit.node.auth.world import City


@dataclass
class Node:
    """A running node's OAuth side. `members` may be changed while it runs."""

    city: City
    pool: Pool
    service: TokenService
    uses: Uses
    callers: Callers
    members: list[Membership]

    async def caller(self, headers: Mapping[str, str], body: bytes | None = None) -> Caller:
        """Who asks with these headers at the node's API. Raises InvalidToken."""
        claimed = self.claimed(headers)
        await self.callers.confirm(claimed, body)
        return claimed.caller

    def claimed(self, headers: Mapping[str, str]) -> Claimed:
        url = self.city.identity.graphql_url
        return self.callers.claimed(Presented("POST", url, headers.get("Authorization"), [headers.get("DPoP", "")]))


@asynccontextmanager
async def serve(app: Any) -> AsyncIterator[tuple[str, list[Any]]]:
    """An ASGI application on a port of its own; the list may be given another one that knows the address."""
    apps = [app]

    async def handle(request: web.Request) -> web.Response:
        return await _through_asgi(apps[0], request)

    runner = web.AppRunner(_application(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", apps
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running_node(city_id: str, database_url: str) -> AsyncIterator[Node]:
    """A node that answers token requests at its issuer."""
    members: list[Membership] = []
    async with (
        make_pool(database_url, size=4, statement_ms=5_000) as pool,
        Sessions(database_url, size=2, statement_ms=5_000, name="uses", on_open=[ASYNCHRONOUS]) as sessions,
        serve(None) as (address, apps),
    ):
        city = City(city_id, issuer=address)
        identity: NodeIdentity = city.identity
        uses = Uses(sessions)
        service = TokenService(identity, lambda: members[-1], pool, uses)
        apps[0] = Litestar(oauth_routes(service), openapi_config=None, logging_config=None)
        try:
            yield Node(city, pool, service, uses, Callers(identity, lambda: members[-1], uses), members)
        finally:
            await uses.close()


def _application(handle: Any) -> web.Application:
    application = web.Application(client_max_size=10**8)
    application.router.add_route("*", "/{path:.*}", handle)
    return application


async def _through_asgi(app: Any, request: web.Request) -> web.Response:
    body = await request.read()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.raw_path.encode(),
        "query_string": request.query_string.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }
    sent: list[dict[str, Any]] = []
    received = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return received.pop() if received else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return web.Response(status=sent[0]["status"], headers=headers, body=content)
