"""This node's access tokens: JWT after RFC 9068, ES256, 300 seconds, for this node's GraphQL endpoint alone.

Each is bound to the key of the DPoP proof it was asked for with (RFC 9449): whoever finds a token can't use it.
"""

from __future__ import annotations

import secrets
from typing import Any

from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import KeySet

from federation.jose import ALGORITHM
from federation.proofs import SCHEME
from node.auth.clients import OAuthClient
from node.auth.identity import NodeIdentity
from node.auth.subject import Subject

TYP = "at+jwt"
LIFETIME_S = 300


class AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]  # Authlib has no types
    """Makes tokens. No refresh tokens: a client that has its key can ask again."""

    def __init__(self, node: NodeIdentity) -> None:
        # without a generator of its own the library gives client credentials ten days
        super().__init__(node.issuer, ALGORITHM, expires_generator=lambda client, grant_type: LIFETIME_S)  # noqa: ARG005
        self._node = node

    def generate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The answer of the token endpoint; the library calls every token a bearer token."""
        return {**super().generate(*args, **kwargs), "token_type": SCHEME}

    def get_jwks(self) -> KeySet:
        """The active key alone: from several the library takes one at random."""
        return KeySet([self._node.signing_key])

    def get_audiences(self, client: OAuthClient, user: Subject, scope: str) -> str:  # noqa: ARG002 - Authlib's signature
        """One audience, as a string."""
        return self._node.graphql_url

    def get_jti(self, client: OAuthClient, grant_type: str, user: Subject, scope: str) -> str:  # noqa: ARG002
        """128 random bits; the access record names the token by it."""
        return secrets.token_urlsafe(16)

    def get_extra_claims(self, client: OAuthClient, grant_type: str, user: Subject, scope: str) -> dict[str, Any]:  # noqa: ARG002
        """City, application and purpose, and the home node that acts for it, if it is another city's."""
        return user.claims
