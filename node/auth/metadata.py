"""What the node publishes of itself: as authorization server (RFC 8414), as protected resource (RFC 9728)."""

from __future__ import annotations

from typing import Any

from federation.grants import CLIENT_CREDENTIALS, JWT_BEARER
from federation.jose import ALGORITHM
from node.auth.clients import AUTHORIZATION_CODE, PRIVATE_KEY_JWT
from node.auth.identity import NodeIdentity
from node.auth.scopes import SCOPES

JWKS_PATH = "/oauth/jwks"
REVOCATION_PATH = "/oauth/revoke"
INTROSPECTION_PATH = "/oauth/introspect"
AUTHORIZE_PATH = "/oauth/authorize"
CALLBACK_PATH = "/oauth/callback"
PUSH_PATH = "/oauth/par"
RESOURCE_METADATA_PATH = "/.well-known/oauth-protected-resource/graphql"


def server_metadata(node: NodeIdentity) -> dict[str, Any]:
    """What a client must know to get tokens here."""
    authentication = {
        f"{endpoint}_endpoint_auth_{what}_supported": [value]
        for endpoint in ("token", "revocation", "introspection")
        for what, value in (("methods", PRIVATE_KEY_JWT), ("signing_alg_values", ALGORITHM))
    }
    return {
        **(
            _sign_in(node) if node.people_sign_in else {"response_types_supported": ["none"]}
        ),  # required, not empty (RFC 8414 §2)
        **authentication,
        "issuer": node.issuer,
        "token_endpoint": node.token_endpoint,
        "jwks_uri": node.issuer + JWKS_PATH,
        "scopes_supported": list(SCOPES),
        "revocation_endpoint": node.issuer + REVOCATION_PATH,
        "introspection_endpoint": node.issuer + INTROSPECTION_PATH,
        "grant_types_supported": [
            CLIENT_CREDENTIALS,
            JWT_BEARER,
            *([AUTHORIZATION_CODE] if node.people_sign_in else []),
        ],
        "dpop_signing_alg_values_supported": [ALGORITHM],
        "protected_resources": [node.graphql_url],
    }


def _sign_in(node: NodeIdentity) -> dict[str, Any]:
    return {
        "authorization_endpoint": node.issuer + AUTHORIZE_PATH,
        "pushed_authorization_request_endpoint": node.issuer + PUSH_PATH,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
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
