"""The running demo as the tests see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from node.auth.keys import load_signing_key
from node.auth.token_client import obtain_token
from node.demo.processes import NodeProcess
from node.demo.setup import DemoFederation

HOME = "offenbach"
DATASET = "/datasets/fulda/radverkehrszaehlung"
PAGES = (
    "/", "/datasets", "/datasets?q=verkehr&city=fulda", DATASET, "/cities", "/cities/giessen", "/docs", "/explorer",
    "/accessibility", "/privacy", "/imprint", "/nothing-here",
)  # fmt: skip


def localized(path: str, language: str) -> str:
    return path if language == "de" else "/en" + (path if path != "/" else "")


@dataclass
class Got:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Demo:
    made: DemoFederation
    nodes: Mapping[str, NodeProcess]

    @property
    def url(self) -> str:
        return self.nodes[HOME].url

    async def get(self, path: str, accept: str = "text/html", **headers: str) -> Got:
        headers = {"Accept": accept, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with aiohttp.ClientSession() as session, session.get(self.url + path, headers=headers) as response:
            return Got(response.status, await response.read(), response.headers)

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/graphql", json=body, headers=headers) as response,
        ):
            return await response.json()
