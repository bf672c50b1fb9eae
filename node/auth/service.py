"""The endpoints for clients without HTTP: fetch what is needed, let the core decide, commit what is used up."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
)
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from federation.errors import MembershipError
from federation.jose import read_unverified
from federation.membership import Membership
from federation.proofs import MAX_AGE_S, NONCE_HEADER, Proof, ProofError, check_proof, read_proof
from federation.subjects import is_application_id, is_issuer
from node.auth.access_tokens import LIFETIME_S
from node.auth.applications import ApplicationReader
from node.auth.client_assertion import claimed_client, claimed_key
from node.auth.clients import ApplicationClient, OAuthClient, PeerClient
from node.auth.identity import NodeIdentity
from node.auth.nonces import Nonces
from node.auth.oauth_errors import InvalidProofError, TemporarilyUnavailableError, UseNonceError
from node.auth.revocation import Revocations
from node.auth.server import NodeAuthorizationServer, Reply
from node.auth.sign_in.code import IssuedCode, SpentCode
from node.auth.sign_in.request import PUSHED, PUSHED_S, UntrustedRequest, read_request, return_address
from node.auth.sign_in.store import SignInStore
from node.auth.single_use import AssertionKind, ReplayMemory, SingleUse
from node.auth.token_check import TokenCheck
from node.auth.token_endpoints import INTROSPECTION, REVOCATION, issued
from node.auth.token_request import TokenRequest, read_form
from node.auth.uses import Uses
from node.store.pool import Pool
from policy.model import ANONYMOUS, Caller
from schema.errors import Unavailable

log = logging.getLogger(__name__)

LEARN_S = 3.0


async def _nothing(_issuer: str, _timeout_s: float) -> None:
    """There is nobody to be asked."""


class TokenService:
    """Issues this node's access tokens. `membership` gives the list that is valid now, or raises MembershipError.

    `learn` asks a member for its keys at once: it may have changed them a moment ago. `on_refused` gets OAuth's code of
    each refusal and who was refused, if the request names somebody whom this node knows; that is not proven.
    """

    def __init__(
        self,
        node: NodeIdentity,
        membership: Callable[[], Membership],
        pool: Pool,
        uses: Uses,
        clock: Callable[[], float] = time.time,
        *,
        learn: Callable[[str, float], Awaitable[None]] = _nothing,
        on_refused: Callable[[str, Caller], None] = lambda _error, _caller: None,
    ) -> None:
        self.node = node
        self._membership = membership
        self._learn = learn
        self._on_refused = on_refused
        self._applications = ApplicationReader(pool)
        self._replay = ReplayMemory(pool)
        self._uses = uses
        self._clock = clock
        self._codes = SignInStore(pool)
        self._revocations = Revocations(pool)
        self._server = NodeAuthorizationServer(node, TokenCheck(node, membership, clock=clock).verified)

    async def token(self, body: bytes, proofs: Sequence[str]) -> Reply:
        """Answer a token request with this form body and these DPoP headers; every refusal is an answer too."""

        async def answer(request: TokenRequest) -> Reply:
            request.proof = self._read_proof(proofs, await self._uses.nonces())
            request.spent.append(_use_of(request.proof))
            request.fetched_code = await self._codes.look(request.form.get("code", ""), IssuedCode)
            return await self._issued(request)

        reply = await self._answered(body, answer)
        try:
            nonces = await self._uses.nonces()
        except Unavailable:
            return reply
        return replace(reply, headers={**reply.headers, NONCE_HEADER: nonces.current(self._clock())})

    async def push(self, body: bytes) -> Reply:
        """Take an authorization request before a browser is sent (RFC 9126), so that nobody can read or change it."""

        async def answer(request: TokenRequest) -> Reply:
            client = self._server.authenticate_client(request, None)
            if "request_uri" in request.form or not isinstance(client, ApplicationClient):
                raise InvalidRequestError("an application pushes its request itself, and names no request_uri in it")
            try:
                address = return_address(request.form, client)
            except UntrustedRequest as error:
                raise InvalidRequestError(error.reason) from None
            pushed = read_request(request.form, client, address, self.node.graphql_url)
            await self._spend(request)
            handle = await self._codes.put(pushed, PUSHED_S)
            told = {"request_uri": PUSHED + handle, "expires_in": PUSHED_S}
            return Reply(201, told, {"Cache-Control": "no-store"})

        return await self._answered(body, answer)

    async def revoke(self, body: bytes) -> Reply:
        """Answer a revocation request (RFC 7009). The token counts nowhere any more once the answer is there."""

        async def answer(request: TokenRequest) -> Reply:
            reply = self._server.endpoint_response(REVOCATION, request)
            if reply.status == 200:
                await self._spend(request)
                if request.ended is not None:
                    await self._revocations.end(str(request.ended.caller.token_id))
            return reply

        return await self._answered(body, answer)

    async def introspect(self, body: bytes) -> Reply:
        """Answer an introspection request (RFC 7662)."""

        async def answer(request: TokenRequest) -> Reply:
            found = issued(self._server.token_check, request.form.get("token", ""), revoked=False)
            if found is not None:
                request.is_revoked = await self._revocations.are_ended(
                    found.verified.subjects, found.verified.issued_at
                )
            reply = self._server.endpoint_response(INTROSPECTION, request)
            if reply.status == 200:
                await self._spend(request)
            return reply

        return await self._answered(body, answer)

    def refuse(self, error: OAuth2Error, request: TokenRequest | None = None) -> Reply:
        """The answer that stands for an error."""
        return self._server.refuse(request, error)

    async def _answered(self, body: bytes, answer: Callable[[TokenRequest], Awaitable[Reply]]) -> Reply:
        """The answer to a request with this form; to one that can't be answered now as well."""
        request: TokenRequest | None = None
        try:
            form = read_form(body)
            request = TokenRequest(form, await self._fetch_client(form))
            reply = await answer(request)
        except OAuth2Error as error:
            reply = self.refuse(error, request)
        except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, Unavailable):
            # no memory of what was used, no token
            log.exception("the token endpoint can't reach its database")
            return self.refuse(TemporarilyUnavailableError("no tokens can be dealt with now; try again soon"), request)
        if reply.status != 200:
            self._on_refused(str(reply.body.get("error")), self._named(request))
        return reply

    def _named(self, request: TokenRequest | None) -> Caller:
        match None if request is None else request.fetched_client:
            case PeerClient() as client:
                return Caller(client.member.id, peer=client.member.id)
            case OAuthClient() as client:
                return Caller(self.node.city, client.client_id)
        return ANONYMOUS

    def _read_proof(self, proofs: Sequence[str], nonces: Nonces) -> Proof:
        """The proof of the key that the token will be bound to.

        It needs no nonce here: the assertion that comes with it is as fresh as a nonce would make it, and a nonce for
        the first request would cost a round trip. One that is there must be good.
        """
        if len(proofs) != 1:
            raise InvalidProofError("one DPoP header with a proof is required (RFC 9449)")
        try:
            proof = read_proof(proofs[0])
            check_proof(proof, "POST", self.node.token_endpoint, self._clock())
        except ProofError as error:
            raise InvalidProofError(f"DPoP: {error.reason}") from None
        if proof.nonce is not None and not nonces.is_good(proof.nonce, self._clock()):
            raise UseNonceError("DPoP: its nonce must be the one in the header DPoP-Nonce")
        return proof

    async def _fetch_client(self, form: dict[str, str]) -> OAuthClient | None:
        client_id = claimed_client(form)
        if client_id is None:
            return None
        if is_application_id(client_id):
            application = await self._applications.find(client_id)
            return None if application is None else ApplicationClient(application)
        if not is_issuer(client_id) or client_id == self.node.issuer:
            return None
        try:
            member = self._membership().by_issuer(client_id)
            if member is not None and not member.has_key(claimed_key(form)):
                await self._learn(client_id, LEARN_S)
                member = self._membership().by_issuer(client_id)
        except MembershipError as error:
            log.warning("a peer is refused a token: %s", error.reason)
            raise TemporarilyUnavailableError("this node has no valid membership list now; try again later") from None
        return None if member is None else PeerClient(member)

    async def _issued(self, request: TokenRequest) -> Reply:
        reply = self._server.create_token_response(request)
        if reply.status != 200:
            await self._end_what_was_stolen(request, reply)
            return reply
        if request.foreign_subject is not None and await self._revocations.is_refused(request.foreign_subject):
            raise AccessDeniedError("this city does not let that application in; ask its operators")
        await self._spend(request)
        if request.fetched_code is not None:
            code = request.form["code"]
            if await self._codes.take(code, IssuedCode) is None:
                raise InvalidGrantError("code: it was used before")
            token_id = read_unverified(reply.body["access_token"]).claims["jti"]
            await self._codes.put(SpentCode(token_id), LIFETIME_S, code)
        return reply

    async def _end_what_was_stolen(self, request: TokenRequest, reply: Reply) -> None:
        """A code comes a second time: whoever used it first may not be whom it was for (RFC 6749 §4.1.2)."""
        if reply.body.get("error") == "invalid_grant" and "code" in request.form:
            spent = await self._codes.look(request.form["code"], SpentCode)
            if spent is not None:
                await self._revocations.end(spent.token_id)

    async def _spend(self, request: TokenRequest) -> None:
        for replayed in await self._replay.spend(request.spent):
            if replayed.kind is AssertionKind.PROOF:
                raise InvalidProofError("DPoP: the proof was used before; make a new one for each request")
            if replayed.kind is AssertionKind.CLIENT:
                raise InvalidClientError("client_assertion: it was used before; make a new one for each request")
            raise InvalidGrantError("assertion: it was used before; make a new one for each request")


def _use_of(proof: Proof) -> SingleUse:
    until = datetime.fromtimestamp(proof.issued_at + MAX_AGE_S, UTC)
    return SingleUse(AssertionKind.PROOF, proof.thumbprint, proof.digest.hex(), until)
