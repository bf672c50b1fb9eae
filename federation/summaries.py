"""Keep the members' summaries at hand: fetched in the background, proven, and forgotten when they end."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from federation.errors import FederationError, PeerIncompatible
from federation.health.peers import PeerHealths
from federation.membership import Member, Membership
from federation.summary import MAX_BYTES, PATH, Absence, Proven, absence, verify_summary
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from policy.model import ANONYMOUS

log = logging.getLogger(__name__)

SCOPE = "data:read"
FETCH_S = 2.0
AT_ONCE = 8
PLAIN = "application/jwt"


class Summaries:
    """What is known of the members of the federation but this city.

    `every_s`: how often they are fetched, 0 for never. A city of which nothing is known may have anything. Nothing is
    fetched from a node that is not asked at the moment.
    """

    def __init__(
        self,
        city: str,
        membership: Callable[[], Membership],
        transport: PeerTransport,
        tokens: PeerTokens,
        every_s: float,
        healths: PeerHealths,
    ) -> None:
        self._healths = healths
        self._city = city
        self._membership = membership
        self._transport = transport
        self._tokens = tokens
        self._every_s = every_s
        self._known: dict[str, tuple[Member, Proven]] = {}

    def why_skip(self, member: Member, root: str, arguments: Mapping[str, Any]) -> Absence | None:
        """Why this member can have no match for a root field; None if it may have one."""
        known = self._known.get(member.id)
        if known is None or known[0] != member or known[1].expires_at <= datetime.now(UTC):
            return None
        reason = absence(known[1].summary, root, arguments)
        return None if reason is None else Absence(reason, known[1].issued_at)

    def heard(self, member: Member, version: str | None) -> None:
        """A member told which summary it would give now: if that is another one, what is known no longer holds."""
        known = self._known.get(member.id)
        if version is not None and known is not None and known[1].version != version:
            del self._known[member.id]

    async def keep(self) -> None:
        """Fetch them again and again until cancelled."""
        while self._every_s:
            try:
                await self.refresh()
            except Exception:  # what is known ends by itself, and every city is asked: so go on
                log.exception("the summaries could not be fetched")
            await asyncio.sleep(self._every_s * random.uniform(0.8, 1.2))  # noqa: S311 - so that nodes don't meet

    async def refresh(self) -> None:
        """Fetch all of them once. What can't be had is left to end by itself."""
        try:
            members = self._membership().members
        except FederationError:
            return  # told where requests need the list
        others = {member.id: member for member in members if member.id != self._city and member.is_active}
        self._known = {city: known for city, known in self._known.items() if others.get(city) == known[0]}
        turns = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._fetch(member, turns) for member in others.values()))

    async def _fetch(self, member: Member, turns: asyncio.Semaphore) -> None:
        async with turns:
            if self._healths.of(member).breaker.is_open:
                return
            try:
                self._known[member.id] = member, await self._proven(member)
            except FederationError as error:
                log.debug("no summary of %s: %s", member.id, error.reason)
            except Exception:  # whatever a peer sends must not end the others' turns
                log.exception("the summary of %s could not be read", member.id)

    async def _proven(self, member: Member) -> Proven:
        token = await self._tokens.token_for(member, ANONYMOUS, SCOPE, FETCH_S)
        url = f"{member.issuer}{PATH}"
        response = await self._transport.get(
            url,
            headers={**self._tokens.authorize(member, token, "GET", url).headers, "Accept": PLAIN},
            timeout_s=FETCH_S,
            max_bytes=MAX_BYTES,
        )
        self._tokens.learn(member, response)
        if response.status == 401:
            self._tokens.refused(member, ANONYMOUS, token, response)
        if response.status != 200:
            raise PeerIncompatible(f"it answered with HTTP status {response.status}")
        return verify_summary(response.body, member, datetime.now(UTC))
