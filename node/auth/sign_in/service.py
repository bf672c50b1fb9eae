"""The two halves of a sign-in: an application sends a browser, and the identity provider sends it back."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
import psycopg
from authlib.oauth2.rfc6749.errors import AccessDeniedError, OAuth2Error
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from federation.subjects import is_application_id
from node.auth.applications import ApplicationReader
from node.auth.clients import ApplicationClient
from node.auth.identity import NodeIdentity
from node.auth.oauth_errors import TemporarilyUnavailableError
from node.auth.sign_in.code import IssuedCode
from node.auth.sign_in.provider import IdentityProvider, ProviderError
from node.auth.sign_in.request import (
    PUSHED,
    AuthorizationRequest,
    UntrustedRequest,
    answer_url,
    error_answer,
    read_request,
    return_address,
)
from node.auth.sign_in.store import SignInStore
from node.auth.sign_in.trip import SIGN_IN_S, Redirect, Trip, new_trip, pseudonym
from node.auth.uses import Uses
from node.store.pool import Pool
from schema.errors import Unavailable

log = logging.getLogger(__name__)

CODE_S = 60
NOT_NOW = "nobody can sign in now: begin again in a moment"
UNKNOWN = "this sign-in is unknown, too old, or was begun in another browser: begin again in the application"
_DATABASE = (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, Unavailable)


class Pending(msgspec.Struct, frozen=True):
    """A sign-in under way, for an application."""

    request: AuthorizationRequest
    trip: Trip


class SignIns:
    """Serves browsers."""

    def __init__(self, node: NodeIdentity, provider: IdentityProvider, pool: Pool, uses: Uses) -> None:
        self._node = node
        self._provider = provider
        self._applications = ApplicationReader(pool)
        self._store = SignInStore(pool)
        self._uses = uses

    async def begin(self, parameters: Mapping[str, str]) -> Redirect:
        """An application's request: to the identity provider, or back with an error.

        Raises:
            UntrustedRequest: there is nowhere to send the browser to.
        """
        client = await self._client(parameters.get("client_id", ""))
        if "request_uri" in parameters:
            return await self._sent(await self._pushed(parameters["request_uri"], client))
        address = return_address(parameters, client)
        assert client is not None
        try:
            request = read_request(parameters, client, address, self._node.graphql_url)
        except OAuth2Error as error:
            return self._back(address, parameters.get("state"), error)
        return await self._sent(request)

    async def finish(self, parameters: Mapping[str, str], cookie: str | None) -> Redirect:
        """The identity provider's answer: back to the application with a code, or with an error.

        Raises:
            UntrustedRequest: the sign-in is unknown, or begun in another browser.
        """
        try:
            pending = await self._store.take(parameters.get("state", ""), Pending)
        except _DATABASE:
            raise UntrustedRequest(NOT_NOW) from None
        if pending is None or not pending.trip.is_of(cookie):
            raise UntrustedRequest(UNKNOWN)
        request = pending.request
        try:
            code = await self._code(pending, parameters)
        except OAuth2Error as error:
            return self._back(request.redirect_uri, request.state, error)
        except (ProviderError, *_DATABASE) as error:
            log.warning("a sign-in failed: %s", error)
            refusal = TemporarilyUnavailableError("the city's identity provider gave no usable answer")
            return self._back(request.redirect_uri, request.state, refusal)
        return Redirect(answer_url(request.redirect_uri, self._node.issuer, request.state, code=code))

    async def _client(self, client_id: str) -> ApplicationClient | None:
        if not is_application_id(client_id):
            return None
        try:
            found = await self._applications.find(client_id)
        except _DATABASE:
            raise UntrustedRequest(NOT_NOW) from None
        return None if found is None else ApplicationClient(found)

    async def _pushed(self, uri: str, client: ApplicationClient | None) -> AuthorizationRequest:
        """The request that this application has pushed before: checked then, and to be used once."""
        try:
            request = await self._store.take(uri.removeprefix(PUSHED), AuthorizationRequest)
        except _DATABASE:
            raise UntrustedRequest(NOT_NOW) from None
        if request is None or client is None or request.client_id != client.client_id:
            raise UntrustedRequest("request_uri: unknown, used before, too old, or another application's: begin again")
        return_address({"redirect_uri": request.redirect_uri}, client)  # it may have been suspended since
        return request

    async def _sent(self, request: AuthorizationRequest) -> Redirect:
        try:
            return await self._to_provider(request)
        except (ProviderError, *_DATABASE):
            log.exception("nobody can sign in")
            refusal = TemporarilyUnavailableError("nobody can sign in now")
            return self._back(request.redirect_uri, request.state, refusal)

    async def _to_provider(self, request: AuthorizationRequest) -> Redirect:
        trip, cookie = new_trip()
        state = await self._store.put(Pending(request, trip), SIGN_IN_S)
        return Redirect(await self._provider.address(state, trip.nonce, trip.verifier), cookie)

    async def _code(self, pending: Pending, parameters: Mapping[str, str]) -> str:
        await self._provider.check_origin(parameters.get("iss"))
        if "code" not in parameters:
            raise AccessDeniedError("the sign-in was broken off, or the identity provider refused it")
        claims = await self._provider.claims(parameters["code"], pending.trip.nonce, pending.trip.verifier)
        request = pending.request
        code = IssuedCode(
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            scope=request.scope,
            purpose=request.purpose,
            code_challenge=request.challenge,
            person=await pseudonym(self._uses, self._provider.issuer, claims["sub"]),
            thumbprint=request.thumbprint,
        )
        return await self._store.put(code, CODE_S)

    def _back(self, address: str, state: str | None, error: OAuth2Error) -> Redirect:
        return Redirect(answer_url(address, self._node.issuer, state, **error_answer(error)))
