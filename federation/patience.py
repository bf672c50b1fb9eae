"""Ask owners for what is still to come: they answer when there is something to tell, or after a while."""

from __future__ import annotations

import asyncio
import hashlib

import orjson

from federation.client import Envelope, PeerClient, read_envelope
from federation.errors import PeerTimeout
from federation.membership import Member
from schema.document import Document
from schema.ports import Request


class PatientClient(PeerClient):
    """Other than for what is there already, silence tells nothing of a peer's health, and nobody asks twice.

    It is to be made with `PeerHealths` of its own. How soon to ask again after a failure is its callers' business.
    """

    def deadline(self, request: Request) -> float:
        """The request's: it has the wait in it."""
        return request.deadline

    async def ask(self, member: Member, document: Document, request: Request, ends: float) -> Envelope:
        """As `PeerClient.ask`, for one question by itself."""
        body = orjson.dumps({"query": document.text, "variables": document.variables})
        health = self._healths.of(member)
        try:
            async with asyncio.timeout_at(ends), health.slots:
                envelope = read_envelope(await self._authorized(member, health, body, request, ends))
        except TimeoutError:
            raise PeerTimeout("it did not answer within its deadline") from None
        envelope.request = hashlib.sha256(body).digest()
        return envelope
