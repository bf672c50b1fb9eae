"""Ask owners for what is still to come: they answer when there is something to tell, or after a while."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable

from federation.client import TOO_SLOW, PeerBounds, PeerClient, Question, question_of
from federation.envelope import Envelope, read_envelope
from federation.errors import PeerTimeout
from federation.health.peers import PeerHealths
from federation.in_flight import InFlight
from federation.membership import Member
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from schema.document import Document
from schema.ports import Request


class PatientClient(PeerClient):
    """Other than for what is there already, silence tells nothing of a peer's health, and nobody asks twice.

    Who waits for the same with the same rights waits together, however long somebody has waited already: the owner
    decides when it answers. It is to be made with transport and `PeerHealths` of its own, so that those who wait take
    nothing from those who ask. How soon to ask again after a failure is its callers' business.
    """

    def __init__(
        self,
        transport: PeerTransport,
        tokens: PeerTokens,
        bounds: PeerBounds,
        healths: PeerHealths,
        learn: Callable[[Member, float], Awaitable[Member]],
    ) -> None:
        super().__init__(transport, tokens, bounds, healths, learn)
        self._together = InFlight[Question, Envelope](math.inf)

    def deadline(self, request: Request) -> float:
        """The request's: it has the wait in it."""
        return request.deadline

    async def ask(self, member: Member, document: Document, request: Request, ends: float) -> Envelope:
        """As `PeerClient.ask`."""
        question = question_of(member, document, request.caller)
        try:
            return await self._together.share(
                question, lambda: self._answered(member, question.body, request, ends), ends, outlives=False
            )
        except TimeoutError:
            raise PeerTimeout(TOO_SLOW) from None

    async def close(self) -> None:
        """End the questions under way."""
        await self._together.close()
        await super().close()

    async def _answered(self, member: Member, body: bytes, request: Request, ends: float) -> Envelope:
        health = self._healths.of(member)
        async with asyncio.timeout_at(ends), health.slots:
            envelope = read_envelope(await self._authorized(member, health, body, request, ends))
        envelope.request = hashlib.sha256(body).digest()
        return envelope
