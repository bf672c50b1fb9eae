"""What the node publishes of itself: as authorization server (RFC 8414), as protected resource (RFC 9728)."""

from __future__ import annotations

from typing import Any

from federation.grants import CLIENT_CREDENTIALS, JWT_BEARER
from federation.jose import ALGORITHM
from node.auth.clients import PRIVATE_KEY_JWT
from node.auth.identity import NodeIdentity
from node.auth.scopes import SCOPES

JWKS_PATH = "/oauth/jwks"
RESOURCE_METADATA_PATH = "/.well-known/oauth-protected-resource/graphql"


def server_metadata(node: NodeIdentity) -> dict[str, Any]:
    """What a client must know to get tokens here."""
    return {
        "issuer": node.issuer,
        "token_endpoint": node.token_endpoint,
        "jwks_uri": node.issuer + JWKS_PATH,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["none"],  # required, and may not be empty (RFC 8414 §2, §3.2)
        "grant_types_supported": [CLIENT_CREDENTIALS, JWT_BEARER],
        "token_endpoint_auth_methods_supported": [PRIVATE_KEY_JWT],
        "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
        "dpop_signing_alg_values_supported": [ALGORITHM],
        "protected_resources": [node.graphql_url],
    }


def resource_metadata(node: NodeIdentity) -> dict[str, Any]:
    """What a client must know to use its tokens here."""
    return {
        "resource": node.graphql_url,
        "authorization_servers": [node.issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": [ALGORITHM],
        "dpop_bound_access_tokens_required": True,
    }
