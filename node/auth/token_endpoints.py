"""What becomes of a token after it was issued: revocation (RFC 7009), and introspection for operators (RFC 7662).

Clients authenticate as at the token endpoint. As everywhere in the core, nothing is fetched or committed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from federation.proofs import SCHEME
from node.auth.clients import PRIVATE_KEY_JWT, OAuthClient
from node.auth.scopes import INTROSPECT
from node.auth.token_check import InvalidToken, Verified
from node.auth.token_request import TokenRequest

REVOCATION = RevocationEndpoint.ENDPOINT_NAME
INTROSPECTION = IntrospectionEndpoint.ENDPOINT_NAME
Check = Callable[[str], Verified]
_TOLD = ("iss", "aud", "sub", "client_id", "scope", "iat", "exp", "jti", "cnf", "act")
_OWN = ("city", "application", "purpose", "legal_basis", "agreement")


@dataclass(frozen=True)
class IssuedToken:
    """A valid token of this node, as Authlib asks for it. `revoked` was looked up beforehand."""

    verified: Verified
    revoked: bool

    def check_client(self, client: OAuthClient) -> bool:
        """A client may end its own tokens."""
        return bool(self.verified.claims["client_id"] == client.client_id)

    def is_expired(self) -> bool:
        """One that has expired is not found."""
        return False

    def is_revoked(self) -> bool:
        """Whether it counts no more."""
        return self.revoked


class NodeRevocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """Ends a token. One that counts no more anyway is no error (RFC 7009 §2.2)."""

    CLIENT_AUTH_METHODS = (PRIVATE_KEY_JWT,)

    def check_params(self, request: TokenRequest, client: OAuthClient) -> None:  # noqa: ARG002 - Authlib's signature
        """A hint may be anything, there is one kind of token."""
        check_token_parameter(request)

    def query_token(self, token_string: str, token_type_hint: str | None) -> IssuedToken | None:  # noqa: ARG002
        """The token, if it is one of this node and valid."""
        return issued(self.server.token_check, token_string, revoked=False)

    def revoke_token(self, token: IssuedToken, request: TokenRequest) -> None:
        """It is committed afterwards."""
        request.ended = token.verified


class NodeIntrospection(IntrospectionEndpoint):  # type: ignore[misc]  # Authlib has no types
    """Tells an operator's application what a token says. What is not for it, it hears of as not active."""

    CLIENT_AUTH_METHODS = (PRIVATE_KEY_JWT,)

    def check_params(self, request: TokenRequest, client: OAuthClient) -> None:  # noqa: ARG002 - Authlib's signature
        """A hint may be anything, there is one kind of token."""
        check_token_parameter(request)
        self._request = request

    def query_token(self, token_string: str, token_type_hint: str | None) -> IssuedToken | None:  # noqa: ARG002
        """The token, if it is one of this node and valid."""
        return issued(self.server.token_check, token_string, revoked=self._request.is_revoked)

    def check_permission(self, token: IssuedToken, client: OAuthClient, request: TokenRequest) -> bool:  # noqa: ARG002
        """Applications with the scope for it."""
        return INTROSPECT in client.scopes

    def introspect_token(self, token: IssuedToken) -> dict[str, Any]:
        """The claims (RFC 7662 §2.2, RFC 9449 §6.2), with this node's own."""
        claims = token.verified.claims
        return {"token_type": SCHEME, **{name: claims[name] for name in (*_TOLD, *_OWN) if name in claims}}


def check_token_parameter(request: TokenRequest) -> None:
    """Raises `InvalidRequestError` if there is no token."""
    if "token" not in request.form:
        raise InvalidRequestError("token is missing")


def issued(check: Check, token: str, *, revoked: bool) -> IssuedToken | None:
    """The token, if it is one of this node and valid."""
    try:
        return IssuedToken(check(token), revoked)
    except InvalidToken:
        return None
