"""The token endpoint without HTTP: fetch the client, let the core decide, commit what is used up."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidGrantError, OAuth2Error
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from federation.errors import MembershipError
from federation.membership import Membership
from federation.subjects import is_application_id, is_issuer
from node.auth.applications import ApplicationReader
from node.auth.client_assertion import claimed_client
from node.auth.clients import ApplicationClient, OAuthClient, PeerClient
from node.auth.identity import NodeIdentity
from node.auth.oauth_errors import TemporarilyUnavailableError
from node.auth.server import NodeAuthorizationServer, Reply
from node.auth.single_use import AssertionKind, ReplayMemory
from node.auth.token_request import TokenRequest, read_form
from node.store.pool import Pool

log = logging.getLogger(__name__)


class TokenService:
    """Issues this node's access tokens. `membership` gives the list that is valid now, or raises MembershipError."""

    def __init__(self, node: NodeIdentity, membership: Callable[[], Membership], pool: Pool) -> None:
        self.node = node
        self._membership = membership
        self._applications = ApplicationReader(pool)
        self._replay = ReplayMemory(pool)
        self._server = NodeAuthorizationServer(node)

    async def token(self, body: bytes) -> Reply:
        """Answer a token request with this form body; every refusal is an answer too."""
        request: TokenRequest | None = None
        try:
            form = read_form(body)
            request = TokenRequest(form, await self._fetch_client(form))
            return await self._decide(request)
        except OAuth2Error as error:
            return self.refuse(error, request)
        except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests):
            # no memory of what was used, no token
            log.exception("the token endpoint can't reach its database")
            return self.refuse(TemporarilyUnavailableError("no tokens can be issued now; try again soon"), request)

    def refuse(self, error: OAuth2Error, request: TokenRequest | None = None) -> Reply:
        """The answer that stands for an error."""
        return self._server.refuse(request, error)

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
        except MembershipError as error:
            log.warning("a peer is refused a token: %s", error.reason)
            raise TemporarilyUnavailableError("this node has no valid membership list now; try again later") from None
        return None if member is None else PeerClient(member)

    async def _decide(self, request: TokenRequest) -> Reply:
        reply = self._server.create_token_response(request)
        if reply.status == 200:
            await self._commit(request)
        return reply

    async def _commit(self, request: TokenRequest) -> None:
        for replayed in await self._replay.spend(request.spent):
            if replayed.kind is AssertionKind.CLIENT:
                raise InvalidClientError("client_assertion: it was used before; make a new one for each request")
            raise InvalidGrantError("assertion: it was used before; make a new one for each request")
