"""Ask one owner: token, request, deadline, bounds; the answer is decoded as far as its envelope."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from federation.beside import beside
from federation.envelope import Envelope, read_envelope
from federation.errors import PeerError, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.health.peers import PeerHealth, PeerHealths
from federation.in_flight import InFlight
from federation.membership import Member
from federation.receipts import HEADER as RECEIPT
from federation.receipts import Exchange, ReceiptError, verify_receipt
from federation.repeat import send_read
from federation.summary import HEADER as SUMMARY
from federation.tokens import PeerTokens
from federation.transport import PeerResponse, PeerTransport
from policy.model import Caller
from schema.document import Document
from schema.ports import Request
from schema.spans import span, traceparent

SCOPE = "data:read"
JSON = "application/json"
TOO_SLOW = "it did not answer within its deadline"
JOIN_WITHIN_S = 0.25  # a change of policy holds from then on, whatever is under way
PROBE_PATIENCE_S = 0.1
NEARLY = 0.9


@dataclass(frozen=True, slots=True)
class PeerBounds:
    """What a peer may take: seconds, and bytes of its answer."""

    seconds: float
    answer_bytes: int


class Question(NamedTuple):
    """What makes two questions the same: the owner, what the caller's token stands for, and the body."""

    member: str
    issuer: str
    is_active: bool
    peer: str | None
    application: str | None
    purpose: str | None
    legal_basis: str | None
    agreement: str | None
    scope: str
    body: bytes


async def known_already(member: Member, _timeout_s: float) -> Member:
    """There is nobody to ask for other keys."""
    return member


Heard = Callable[[Member, str | None], None]
"""Takes the version of the summary that a member would give now, if it told one."""


def _unheeded(_member: Member, _version: str | None) -> None:
    pass


class PeerClient:
    """Asks owners on behalf of callers of this node.

    A question that is under way already is not sent again. A peer from which nothing comes is not waited for long, and
    after some failures not asked for a while: see `federation.health`.
    """

    def __init__(
        self,
        transport: PeerTransport,
        tokens: PeerTokens,
        bounds: PeerBounds,
        healths: PeerHealths,
        learn: Callable[[Member, float], Awaitable[Member]] = known_already,
        heard: Heard = _unheeded,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._learn = learn
        self._heard = heard
        self._transport = transport
        self._tokens = tokens
        self._bounds = bounds
        self._healths = healths
        self._in_flight = InFlight[Question, Envelope](JOIN_WITHIN_S)

    def deadline(self, request: Request) -> float:
        """Until when a peer that is asked now may answer (event-loop clock, seconds)."""
        return min(request.deadline, _now() + self._bounds.seconds)

    async def ask(self, member: Member, document: Document, request: Request, ends: float) -> Envelope:
        """Send a query to the owner and return its envelope.

        Raises:
            PeerError: no usable answer until `ends`, or the peer is not asked at the moment.
        """
        now = _now()
        health = self._healths.of(member)
        question = question_of(member, document, request.caller)
        is_probe = health.breaker.is_open
        if is_probe:
            if not health.breaker.may_ask(now) and not self._in_flight.is_joinable(question):
                raise health.not_asked(now)
            ends = min(ends, now + (health.history.usual() or PROBE_PATIENCE_S))
        try:
            return await self._in_flight.share(
                question,
                lambda: self._traced(member, health, question.body, request),
                ends,
                outlives=is_probe,  # nobody waits longer for a probe than is usual, and still it is to come to an end
            )
        except TimeoutError:
            raise (health.not_asked(_now()) if is_probe else PeerTimeout(TOO_SLOW)) from None

    async def close(self) -> None:
        """End the questions under way."""
        await self._in_flight.close()

    async def _traced(self, member: Member, health: PeerHealth, body: bytes, request: Request) -> Envelope:
        with span("peer", city=member.id):
            return await self._exchange(member, health, body, request)

    async def _exchange(self, member: Member, health: PeerHealth, body: bytes, request: Request) -> Envelope:
        """One question, as the only one of its kind under way. The deadline begins before its turn comes."""
        ends = _now() + self._bounds.seconds
        await _turn(health.slots, ends)
        try:
            began = _now()
            patience = health.history.patience(self._bounds.seconds)
            permit = health.breaker.admit(began)
            if permit is None:
                raise health.not_asked(began)
            try:
                envelope = await self._within_patience(patience, member, health, body, request, ends)
            except (PeerTimeout, asyncio.CancelledError) as error:
                waited = _now() - began
                if waited > NEARLY * patience:
                    health.history.in_vain(waited)
                    if not health.history.heard_since(began):  # else it is busy: this question was too heavy
                        why = error if isinstance(error, PeerTimeout) else PeerTimeout(TOO_SLOW)
                        health.breaker.failed(permit, _now(), why)
                raise  # else its turn came late, or its callers were in a hurry
            except PeerUnreachable as error:
                health.breaker.failed(permit, _now(), error)
                raise
            except PeerError:
                health.history.heard(_now())
                health.breaker.answered(permit)
                raise
            else:
                health.history.answered(_now() - began, _now())
                health.breaker.answered(permit)
                return envelope
            finally:
                health.breaker.undecided(permit)
        finally:
            health.slots.release()

    async def _within_patience(
        self, patience: float, member: Member, health: PeerHealth, body: bytes, request: Request, ends: float
    ) -> Envelope:
        """Wait until `ends`, but not so long for a peer that has gone silent altogether."""
        began = _now()
        try:
            async with asyncio.timeout(None) as limit:  # all that is awaited within keeps to `ends` itself

                def lose_patience() -> None:
                    if not health.history.heard_since(began) and not limit.expired():
                        limit.reschedule(_now())

                timer = asyncio.get_running_loop().call_later(patience, lose_patience)
                try:
                    envelope = read_envelope(await self._authorized(member, health, body, request, ends))
                finally:
                    timer.cancel()
                envelope.request = hashlib.sha256(body).digest()
                return envelope
        except TimeoutError:
            raise PeerTimeout(TOO_SLOW) from None

    async def _authorized(
        self, member: Member, health: PeerHealth, body: bytes, request: Request, ends: float
    ) -> PeerResponse:
        health.budget.earn()
        token = await self._tokens.token_for(member, request.caller, SCOPE, _left(ends))
        response = await self._post(member, health, token, body, request, ends)
        if response.status == 401:  # a nonce is too old, or the owner has another key: that may do
            is_replaced = self._tokens.refused(member, request.caller, token, response)
            if is_replaced or health.budget.spend():
                token = await self._tokens.token_for(member, request.caller, SCOPE, _left(ends))
                response = await self._post(member, health, token, body, request, ends)
        return response

    async def _post(
        self, member: Member, health: PeerHealth, token: str, body: bytes, request: Request, ends: float
    ) -> PeerResponse:
        url = f"{member.issuer}/graphql"

        async def send() -> PeerResponse:
            authorized = self._tokens.authorize(member, token, "POST", url, body)
            response = await self._transport.post(
                url,
                body=body,
                content_type=JSON,
                headers={**authorized.headers, "Accept": JSON, "traceparent": traceparent(request.traceparent)},
                timeout_s=_left(ends),
                max_bytes=self._bounds.answer_bytes,
            )
            self._tokens.learn(member, response)
            self._heard(member, response.headers.get(SUMMARY))
            if response.status == 200:
                exchange = Exchange(body, response.body, authorized.proof, request.trace_id)
                await self._check_receipt(member, exchange, response, ends)
            return response

        return await send_read(send, health.history.hedge_after(), health.budget.spend)

    async def _check_receipt(self, member: Member, exchange: Exchange, response: PeerResponse, ends: float) -> None:
        try:
            await self._verify_receipt(member, exchange, response)
        except PeerIncompatible:  # the member may be new to us, or have a new key since a moment ago
            renewed = await self._learn(member, _left(ends))
            if renewed.jwks == member.jwks:
                raise
            await self._verify_receipt(renewed, exchange, response)

    async def _verify_receipt(self, member: Member, exchange: Exchange, response: PeerResponse) -> None:
        await beside(lambda _: self._verify(member, exchange, response), response.body)

    def _verify(self, member: Member, exchange: Exchange, response: PeerResponse) -> None:
        try:
            verify_receipt(
                response.headers.get(RECEIPT),
                member.keys,
                owner=member.issuer,
                home=self._tokens.issuer,
                exchange=exchange,
                now=self._clock(),
            )
        except ReceiptError as error:
            raise PeerIncompatible(error.reason) from None


def question_of(member: Member, document: Document, caller: Caller) -> Question:
    """What makes it the same as another."""
    body = orjson.dumps({"query": document.text, "variables": document.variables})
    invoked = (None, None, None) if caller.is_anonymous else (caller.purpose, caller.legal_basis, caller.agreement)
    return Question(member.id, member.issuer, member.is_active, caller.peer, caller.application, *invoked, SCOPE, body)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _turn(slots: asyncio.Semaphore, ends: float) -> None:
    if not slots.locked():
        await slots.acquire()
        return
    try:
        async with asyncio.timeout_at(ends):
            await slots.acquire()
    except TimeoutError:
        raise PeerTimeout(TOO_SLOW) from None


def _left(ends: float) -> float:
    left = ends - _now()
    if left <= 0:
        raise PeerTimeout(TOO_SLOW)
    return left
