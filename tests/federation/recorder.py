"""A reverse proxy in front of a node that keeps every message: what travels between an application and two cities."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Message:
    """One exchange with a node."""

    city: str
    method: str
    path: str
    sent: dict[str, str]
    body: bytes
    status: int
    received: dict[str, str]
    answer: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def json(self):
        return json.loads(self.answer)


class Recorder:
    """Listens at a node's address and hands on to where the node really is."""

    def __init__(self, city: str, port: int, behind: int, messages: list[Message]) -> None:
        self.city = city
        self.port = port
        self.behind = behind
        self.messages = messages

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        app = web.Application(client_max_size=10**8)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            try:
                yield
            finally:
                await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        sent = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = f"http://127.0.0.1:{self.behind}{request.raw_path}"
        try:
            async with self._session.request(
                request.method, url, data=body, headers=sent, allow_redirects=False
            ) as response:
                answer = await response.read()
                received = {name: value for name, value in response.headers.items() if name.lower() not in HOP_BY_HOP}
        except aiohttp.ClientConnectorError:
            return web.Response(status=503)  # it is not there yet
        if not request.path.startswith("/health"):
            self.messages.append(
                Message(self.city, request.method, request.path, sent, body, response.status, received, answer)
            )
        return web.Response(status=response.status, headers=received, body=answer)
