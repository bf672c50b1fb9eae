"""GET /federation/summary: what this city has at most, for the members of its federation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from litestar import Request, Response, get
from litestar.exceptions import NotAuthorizedException, ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler

from federation.proofs import HEADER
from federation.summary import LIFETIME, PATH, sign_summary, version_of
from node.auth.callers import Callers, Presented
from node.auth.identity import NodeIdentity
from node.auth.token_check import InvalidToken
from node.http.challenge import challenge
from node.store.pool import Pool
from node.store.summary import read_summary
from policy.obligations import Obligations
from schema.errors import Unavailable

MADE_AGAIN_S = 5.0  # however often it is asked for


class _Made(NamedTuple):
    at: float
    content: bytes
    version: str


class SummaryPage:
    """Makes the summary when somebody asks, and keeps it for some seconds."""

    def __init__(
        self,
        city: str,
        identity: NodeIdentity,
        pool: Pool,
        callers: Callers,
        terms: Callable[[], Awaitable[Obligations]],
    ) -> None:
        self._city = city
        self._identity = identity
        self._pool = pool
        self._callers = callers
        self._terms = terms
        self._made = _Made(-LIFETIME.total_seconds(), b"", "")
        self._lock = asyncio.Lock()

    @property
    def version(self) -> str | None:
        """The version of what this worker would give; None if it has not looked for a while."""
        is_known = time.monotonic() - self._made.at < LIFETIME.total_seconds()
        return self._made.version if is_known else None

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handler."""

        @get(PATH, include_in_schema=False)
        async def summary(request: Request[Any, Any, Any]) -> Response[bytes]:
            headers = request.headers
            presented = Presented(
                "GET", self._callers.issuer + PATH, headers.get("authorization"), headers.getall(HEADER, [])
            )
            try:
                caller = await self._callers.caller(presented)
                content = await self._current()
            except InvalidToken as error:
                told = challenge(error, self._callers.issuer, await self._callers.refused(error))
                raise NotAuthorizedException(f"the token is not accepted: {error}", headers=told) from None
            except Unavailable as error:
                raise ServiceUnavailableException(error.message) from None
            if caller.peer is None:
                raise NotAuthorizedException("the summary is for nodes of the federation")
            return Response(content, media_type="application/jwt", headers={"Cache-Control": "no-store"})

        return [summary]

    async def _current(self) -> bytes:
        async with self._lock:
            if time.monotonic() - self._made.at >= MADE_AGAIN_S:
                now = datetime.now(UTC)
                found = await read_summary(self._pool, await self._terms())
                identity = self._identity
                content = sign_summary(found, self._city, identity.issuer, identity.signing_key, now)
                self._made = _Made(time.monotonic(), content, version_of(found))
            return self._made.content
