"""Schemas of other versions: fetched from owners that did not understand a question, and remembered for a while.

Nobody asks for them as long as all nodes have the same version.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from graphql import GraphQLError, GraphQLSchema, build_ast_schema, parse

from federation.bounded import Bounded
from federation.errors import PeerIncompatible
from federation.membership import MAX_MEMBERS, Member
from federation.single_flight import SingleFlight
from federation.transport import PeerTransport

PATH = "/schema.graphql"
MAX_BYTES = 300_000  # ours has 56,000,
MAX_TOKENS = 24_000  # and 4,900: half a second, whatever they are
REMEMBERED_S = 600.0  # then the owner is asked for everything again: it may have been upgraded
NOT_TRIED_AGAIN_S = 10.0  # what can't be had is not asked for with each question
REMEMBERED = 32  # schemas
FETCH_S = 3.0

Fetch = Callable[[Member], Awaitable[bytes]]


class ForeignSchemas:
    """What is known of the members' schemas, if they are not `own` (SDL text)."""

    def __init__(self, own: str, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = _digest(own.encode())
        self._fetch = fetch
        self._clock = clock
        self._of_member = Bounded[tuple[str, str], tuple[float, GraphQLSchema | None]](MAX_MEMBERS)
        self._schemas: OrderedDict[bytes, GraphQLSchema] = OrderedDict()
        self._flights = SingleFlight[tuple[str, str], GraphQLSchema | None]()

    def known(self, member: Member) -> GraphQLSchema | None:
        """The member's schema, if it is known to be another version."""
        until, schema = self._of_member.get((member.id, member.issuer), (0.0, None))
        return schema if self._clock() < until else None

    async def learn(self, member: Member, timeout_s: float) -> GraphQLSchema | None:
        """The schema of a member that did not understand; None if it is ours, or can't be had.

        Raises:
            TimeoutError: it did not come in time.
        """
        key = member.id, member.issuer
        until, schema = self._of_member.get(key, (0.0, None))
        if self._clock() < until:
            return schema
        return await self._flights.join(key, lambda: self._learn(member), timeout_s)

    async def close(self) -> None:
        """End what is under way."""
        await self._flights.close()

    async def _learn(self, member: Member) -> GraphQLSchema | None:
        schema, seconds = None, NOT_TRIED_AGAIN_S
        try:
            async with asyncio.timeout(FETCH_S):
                schema = await self._schema(await self._fetch(member))
            seconds = REMEMBERED_S
        finally:
            self._of_member[member.id, member.issuer] = self._clock() + seconds, schema
        return schema

    async def _schema(self, text: bytes) -> GraphQLSchema | None:
        digest = _digest(text)
        if digest == self._own:
            return None
        if digest not in self._schemas:
            self._schemas[digest] = await asyncio.to_thread(_built, text)
            if len(self._schemas) > REMEMBERED:
                self._schemas.popitem(last=False)
        return self._schemas[digest]


def fetched_by(transport: PeerTransport) -> Fetch:
    """Fetches a member's schema over HTTP."""

    async def fetch(member: Member) -> bytes:
        response = await transport.get(f"{member.issuer}{PATH}", headers={}, timeout_s=FETCH_S, max_bytes=MAX_BYTES)
        if response.status != 200:
            raise PeerIncompatible("it does not tell its schema")
        return response.body

    return fetch


def _built(text: bytes) -> GraphQLSchema:
    try:
        # not validated: for names that look alike that takes the square of a schema's size, and errors come up anyway
        schema = build_ast_schema(parse(text.decode(), max_tokens=MAX_TOKENS), assume_valid_sdl=True)
    except (GraphQLError, TypeError, ValueError, RecursionError) as error:
        raise PeerIncompatible("its schema can't be read") from error
    if schema.query_type is None:
        raise PeerIncompatible("its schema has no queries")
    return schema


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
