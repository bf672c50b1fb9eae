"""The messages with which a client asks a token endpoint: RFC 7523 assertions and the form around them. Pure.

`typ` of the grant is `authorization-grant+jwt`, as RFC 7523bis recommends for JWT authorization grants and identity
chaining leaves open; the library's default `oauth-id-jag+jwt` belongs to a profile for people and their employer's
identity provider, which this is not.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from joserfc.jwk import ECKey

from federation.jose import sign
from federation.subjects import subject_of
from policy.model import Caller

CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT_ASSERTION_TYP = "client-authentication+jwt"
GRANT_TYP = "authorization-grant+jwt"
FORM = "application/x-www-form-urlencoded"
LIFETIME_S = 60


def client_assertion(client_id: str, audience: str, key: ECKey, now: int) -> str:
    """Proof that we are `client_id`, for the authorization server `audience` alone (its issuer, not its endpoint)."""
    return sign({"iss": client_id, "sub": client_id, **_frame(audience, now)}, key, CLIENT_ASSERTION_TYP)


def authorization_grant(issuer: str, audience: str, caller: Caller, scope: str, key: ECKey, now: int) -> str:
    """The home node `issuer` vouches for one of its callers before the owner `audience`, once, for a minute."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "client_id": issuer,
        "sub": subject_of(issuer, caller.application),
        "scope": scope,
        **_frame(audience, now),
    }
    if caller.application is not None:
        invoked = {"purpose": caller.purpose, "legal_basis": caller.legal_basis, "agreement": caller.agreement}
        claims |= {name: value for name, value in invoked.items() if value is not None}
    return sign(claims, key, GRANT_TYP)


def client_credentials_form(
    assertion: str,
    *,
    purpose: str | None = None,
    scope: str | None = None,
    legal_basis: str | None = None,
    agreement: str | None = None,
) -> bytes:
    """The body with which an application asks its own city's node (RFC 6749 §4.4)."""
    wishes = {"purpose": purpose, "scope": scope, "legal_basis": legal_basis, "agreement": agreement}
    return _form(CLIENT_CREDENTIALS, assertion, {name: value for name, value in wishes.items() if value})


def jwt_bearer_form(grant: str, assertion: str, *, scope: str, resource: str) -> bytes:
    """The body with which a node asks another one (RFC 7523 §2.1, RFC 8707)."""
    return _form(JWT_BEARER, assertion, {"assertion": grant, "scope": scope, "resource": resource})


def _form(grant_type: str, assertion: str, parameters: dict[str, str]) -> bytes:
    authentication = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    return urlencode({"grant_type": grant_type, **parameters, **authentication}).encode()


def _frame(audience: str, now: int) -> dict[str, Any]:
    return {"aud": audience, "iat": now, "exp": now + LIFETIME_S, "jti": secrets.token_urlsafe(24)}
