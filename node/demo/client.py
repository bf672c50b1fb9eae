"""A small GraphQL client for the showcase: what an application would write in a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from node.auth.token_client import Access

TIMEOUT = aiohttp.ClientTimeout(total=15)


@dataclass(frozen=True, slots=True)
class Answer:
    """HTTP status and JSON body."""

    status: int
    body: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The data; empty if there is none."""
        return self.body.get("data") or {}

    @property
    def codes(self) -> list[str]:
        """The codes of the errors."""
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]

    @property
    def trace_id(self) -> str:
        """The trace that joins the records of all cities."""
        return str(self.body.get("extensions", {}).get("traceId", ""))


async def ask(
    url: str, query: str, *, access: Access | None = None, variables: Mapping[str, Any] | None = None
) -> Answer:
    """Send a query to a node."""
    headers = access.headers("POST", f"{url}/graphql") if access else {}
    async with (
        aiohttp.ClientSession(timeout=TIMEOUT) as session,
        session.post(f"{url}/graphql", json={"query": query, "variables": variables}, headers=headers) as response,
    ):
        if access:
            access.learn(response.headers)
        return Answer(response.status, await response.json())
