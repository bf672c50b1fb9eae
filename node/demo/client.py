"""A small GraphQL client for the showcase: what an application would write in a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from federation.addresses import everywhere
from federation.transport import PeerTransport
from node.auth.token_client import Access

TIMEOUT_S = 15.0
MAX_BYTES = 10_000_000


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
    async with PeerTransport(allows=everywhere) as transport:
        response = await transport.post(
            f"{url}/graphql",
            body=orjson.dumps({"query": query, "variables": variables}),
            content_type="application/json",
            headers=headers,
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_BYTES,
        )
    if access:
        access.learn(response.headers)
    return Answer(response.status, orjson.loads(response.body))
