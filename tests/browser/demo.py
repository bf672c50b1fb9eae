"""The running demo as the tests see it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from node.auth.token_client import Access
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

    async def ask(self, query: str, access: Access | None = None, **variables: Any) -> Any:
        url, body = f"{self.url}/graphql", orjson.dumps({"query": query, "variables": variables})
        headers = {"Content-Type": "application/json", **(access.headers("POST", url, body) if access else {})}
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
            return await response.json()

    async def post(self, path: str, **form: str) -> Got:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, data=form, headers={"Accept": "text/html"}) as response,
        ):
            return Got(response.status, await response.read(), response.headers)

    async def desk_link(self, person: str) -> str:
        """What the command prints, without the node's address."""
        home = str(self.made.settings[HOME].home)
        command = [sys.executable, "-m", "node.cli", "--home", home, "desk", "link", person]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode().strip().removeprefix(self.url)
