"""The running demo as the tests see it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    "/accessibility", "/privacy", "/imprint", "/nothing-here", "/sign-in", "/sign-in?link=x", "/governance",
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
    city: str = HOME

    @property
    def url(self) -> str:
        return self.nodes[self.city].url

    def at(self, city: str) -> Demo:
        """The same, seen from another city."""
        return replace(self, city=city)

    async def get(self, path: str, accept: str = "text/html", **headers: str) -> Got:
        headers = {"Accept": accept, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with aiohttp.ClientSession() as session, session.get(self.url + path, headers=headers) as response:
            return Got(response.status, await response.read(), response.headers)

    async def ask(self, query: str, access: Access | None = None, **variables: Any) -> Any:
        url, body = f"{self.url}/graphql", orjson.dumps({"query": query, "variables": variables})
        headers = {"Content-Type": "application/json", **(access.headers("POST", url, body) if access else {})}
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
            return await response.json()

    async def post(self, path: str, cookie: str = "", **form: str) -> Got:
        headers = {"Accept": "text/html", "Cookie": cookie}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, data=form, headers=headers, allow_redirects=False) as response,
        ):
            return Got(response.status, await response.read(), response.headers)

    async def session(self, person: str, *roles: str) -> tuple[str, str]:
        """The cookie of somebody who is signed in, and the secret of their forms."""
        link = (await self.desk_link(person, *roles)).partition("?link=")[2]
        cookie = (await self.post("/sign-in", link=link)).headers["Set-Cookie"].partition(";")[0]
        desk = "/audit" if not roles or "auditor" in roles else "/governance"
        page = (await self.get(desk, Cookie=cookie)).text
        return cookie, re.findall(r'name="csrf" value="([^"]+)"', page)[0]

    async def desk_link(self, person: str, *roles: str) -> str:
        """What the command prints, without the node's address."""
        home = str(self.made.settings[self.city].home)
        command = [sys.executable, "-m", "node.cli", "--home", home, "desk", "link", person]
        command += [word for role in roles for word in ("--role", role)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode().strip().removeprefix(self.url)
