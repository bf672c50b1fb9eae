"""The authorization server's core: synchronous, arithmetic only, no I/O (Authlib's core is synchronous by design).

Fetched before: the client, a code, whether a token was revoked. Committed afterwards: what `request` says is spent, or
ended. No state is shared between requests.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidRequestError,
    OAuth2Error,
    UnsupportedGrantTypeError,
)

from federation.grants import ASSERTION_TYPE
from node.auth.access_tokens import AccessTokens
from node.auth.client_assertion import NodeClientAssertion
from node.auth.clients import OAuthClient
from node.auth.grants import ApplicationGrant, PeerGrant
from node.auth.identity import NodeIdentity
from node.auth.oauth_errors import InvalidProofError, shown
from node.auth.scopes import SCOPES
from node.auth.sign_in.grant import PersonGrant, S256Only
from node.auth.token_endpoints import Check, NodeIntrospection, NodeRevocation
from node.auth.token_request import TokenRequest

logging.getLogger("authlib").setLevel(logging.INFO)  # at DEBUG the library writes whole tokens to the log


@dataclass(frozen=True)
class Reply:
    """The answer to a token request: status, JSON body, headers."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


class NodeAuthorizationServer(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Answers token requests with `create_token_response`, and errors with `refuse`."""

    def __init__(self, node: NodeIdentity, token_check: Check) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.node = node
        self.token_check = token_check
        self.register_token_generator("default", AccessTokens(node))
        self.register_grant(ApplicationGrant)
        self.register_grant(PeerGrant)
        self.register_grant(PersonGrant, [S256Only(required=True)])
        self.register_endpoint(NodeRevocation)
        self.register_endpoint(NodeIntrospection)

    def get_token_grant(self, request: TokenRequest) -> ApplicationGrant | PeerGrant:
        """The grant, or an error that repeats the client's text only after cleaning."""
        grant_type = request.form.get("grant_type")
        if grant_type is None:
            raise InvalidRequestError("grant_type is missing")
        try:
            return super().get_token_grant(request)  # type: ignore[no-any-return]
        except UnsupportedGrantTypeError:
            refusal = UnsupportedGrantTypeError(shown(grant_type))
            refusal.description = f"grant_type {shown(grant_type)} is not supported here"
            raise refusal from None

    def create_token_response(self, request: TokenRequest) -> Reply:
        """Decide on a request. There are no tokens without a key."""
        try:
            if request.proof is None:
                raise InvalidProofError("one DPoP header with a proof is required (RFC 9449)")
            return super().create_token_response(request)  # type: ignore[no-any-return]
        except OAuth2Error as error:
            return self.refuse(request, error)

    def refuse(self, request: TokenRequest | None, error: OAuth2Error) -> Reply:
        """The answer that stands for an error (RFC 6749 §5.2)."""
        return self.handle_error_response(request, error)  # type: ignore[no-any-return]

    def authenticate_client(self, request: TokenRequest, methods: Any, endpoint: str = "token") -> OAuthClient:  # noqa: ARG002
        """By private_key_jwt or not at all; nothing is cached, since the library's cache is shared by all requests."""
        form = request.form
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            raise InvalidClientError(f"private_key_jwt is required: client_assertion_type={ASSERTION_TYPE}")
        if "client_secret" in form:
            raise InvalidClientError("shared secrets are not accepted: use private_key_jwt alone")
        assertion = NodeClientAssertion(request, self.node.issuer)
        client: OAuthClient = assertion(assertion.query_client, request)
        if form.get("client_id", client.client_id) != client.client_id:
            raise InvalidClientError("client_id is not the one that the assertion proves")
        request.auth_method = assertion.CLIENT_AUTH_METHOD
        return client

    def endpoint_response(self, name: str, request: TokenRequest) -> Reply:
        """Decide on a request about a token."""
        try:
            return super().create_endpoint_response(name, request)  # type: ignore[no-any-return]
        except OAuth2Error as error:
            return self.refuse(request, error)

    def save_token(self, token: dict[str, Any], request: TokenRequest) -> None:
        """Tokens are self-contained; nothing is kept."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """No signals."""

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """It is one already."""
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]) -> Reply:
        """Hand the answer on."""
        return Reply(status, body, dict(headers))
