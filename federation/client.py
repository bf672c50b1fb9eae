"""Ask one owner: token, request, deadline, bounds; the answer is decoded as far as its envelope."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from federation.errors import PeerDenied, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.membership import Member
from federation.tokens import PeerTokens
from federation.transport import PeerResponse, PeerTransport
from policy.model import Caller
from schema.document import Document
from schema.ports import Request

SCOPE = "data:read"
JSON = "application/json"


class PeerProblem(msgspec.Struct):
    """An error in a peer's GraphQL answer."""

    message: str = ""
    extensions: dict[str, Any] = {}

    @property
    def code(self) -> str:
        """Its stable code."""
        return str(self.extensions.get("code", ""))


class Envelope(msgspec.Struct):
    """A peer's GraphQL answer, the fields of `data` still as bytes."""

    data: dict[str, msgspec.Raw] | None = None
    errors: list[PeerProblem] = []


_Envelope = msgspec.json.Decoder(Envelope)


@dataclass(frozen=True, slots=True)
class PeerBounds:
    """What a peer may take: seconds, and bytes of its answer."""

    seconds: float
    answer_bytes: int


class PeerClient:
    """Asks owners on behalf of callers of this node."""

    def __init__(self, transport: PeerTransport, tokens: PeerTokens, bounds: PeerBounds) -> None:
        self._transport = transport
        self._tokens = tokens
        self._bounds = bounds

    def deadline(self, request: Request) -> float:
        """Until when a peer that is asked now may answer (event-loop clock, seconds)."""
        return min(request.deadline, asyncio.get_running_loop().time() + self._bounds.seconds)

    async def ask(self, member: Member, document: Document, request: Request, ends: float) -> Envelope:
        """Send a query to the owner and return its envelope.

        Raises:
            PeerError: no usable answer until `ends`.
        """
        body = orjson.dumps({"query": document.text, "variables": document.variables})
        response = await self._post(member, body, request, ends)
        if response.status == 401:  # the owner forgot its key or restarted with another: a new token may do
            self._tokens.forget(member.id)
            response = await self._post(member, body, request, ends)
        return _read(response)

    async def _post(self, member: Member, body: bytes, request: Request, ends: float) -> PeerResponse:
        caller: Caller = request.caller
        token = await self._tokens.token_for(member, caller, SCOPE, _left(ends))
        return await self._transport.post(
            f"{member.issuer}/graphql",
            body=body,
            content_type=JSON,
            headers={"Authorization": f"Bearer {token}", "Accept": JSON, "traceparent": request.traceparent},
            timeout_s=_left(ends),
            max_bytes=self._bounds.answer_bytes,
        )


def _left(ends: float) -> float:
    left = ends - asyncio.get_running_loop().time()
    if left <= 0:
        raise PeerTimeout("it did not answer within its deadline")
    return left


def _read(response: PeerResponse) -> Envelope:
    if response.status in {401, 403}:
        raise PeerDenied("it refused the request")
    if response.status in {429, 503}:
        raise PeerUnreachable("it can't serve at the moment")
    if response.status != 200:
        raise PeerIncompatible(f"it answered with HTTP status {response.status}")
    try:
        return _Envelope.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerIncompatible("its answer is not GraphQL over JSON") from error
