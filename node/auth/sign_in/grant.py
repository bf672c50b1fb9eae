"""The authorization code grant at the token endpoint (RFC 6749 §4.1.3), with PKCE for every client."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from node.auth.clients import PRIVATE_KEY_JWT, OAuthClient
from node.auth.grants import check_resource
from node.auth.sign_in.code import IssuedCode
from node.auth.subject import Subject


class S256Only(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """Without `plain`, which the library would fall back on."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class PersonGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """A token for an application that acts for somebody who signed in. The code was fetched beforehand."""

    TOKEN_ENDPOINT_AUTH_METHODS = (PRIVATE_KEY_JWT,)

    def validate_token_request(self) -> Any:
        """The target first, then as the library orders it."""
        check_resource(self.request, self.server.node.graphql_url, required=False)
        return super().validate_token_request()

    def query_authorization_code(self, code: str, client: OAuthClient) -> IssuedCode | None:  # noqa: ARG002
        """The code, if it is this client's, and of the key that it was asked for with."""
        found: IssuedCode | None = self.request.fetched_code
        if found is None or found.client_id != client.client_id:
            return None
        if found.thumbprint not in {None, self.request.proof.thumbprint}:
            raise InvalidGrantError("the code is bound to another key than that of the DPoP proof")
        return found

    def delete_authorization_code(self, authorization_code: IssuedCode) -> None:
        """It is taken out when the token is committed."""

    def authenticate_user(self, authorization_code: IssuedCode) -> Subject:
        """The person, with what the token says of the application."""
        code = authorization_code
        claims = {"city": self.server.node.city, "application": code.client_id, "purpose": code.purpose}
        return Subject(code.person, {**claims, **self.request.confirmation})
