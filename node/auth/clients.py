"""Who may use the token endpoint: this city's applications, and the nodes of other members."""

from __future__ import annotations

from authlib.oauth2.rfc6749 import ClientMixin
from joserfc.jwk import KeySet

from federation.grants import CLIENT_CREDENTIALS, JWT_BEARER
from federation.jose import public_keys
from federation.membership import Member
from node.auth.applications import Application
from node.auth.scopes import PEER_SCOPES

PRIVATE_KEY_JWT = "private_key_jwt"
AUTHORIZATION_CODE = "authorization_code"


class OAuthClient(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client made for one request. `suspended` is told only to a client that has proven its key."""

    def __init__(
        self, client_id: str, keys: KeySet, grant_types: tuple[str, ...], scopes: tuple[str, ...], *, active: bool
    ) -> None:
        self.client_id = client_id
        self.keys = keys
        self.grant_types = grant_types
        self.scopes = scopes
        self.active = active

    def get_client_id(self) -> str:
        """The client_id: an application's id, or a member's issuer."""
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scopes asked for, or all registered ones; None if one of them is not registered."""
        asked = dict.fromkeys((scope or " ".join(self.scopes)).split())
        return None if set(asked) - set(self.scopes) else " ".join(asked)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """One method only, at the token endpoint only."""
        return method == PRIVATE_KEY_JWT and endpoint == "token"

    def check_grant_type(self, grant_type: str) -> bool:
        """Applications use client credentials, those with people codes as well; nodes the JWT bearer grant."""
        return grant_type in self.grant_types


class ApplicationClient(OAuthClient):
    """One of this city's applications."""

    def __init__(self, application: Application) -> None:
        keys = public_keys(application.jwks)
        grants = (CLIENT_CREDENTIALS, *([AUTHORIZATION_CODE] if application.redirect_uris else []))
        super().__init__(application.id, keys, grants, application.scopes, active=application.is_active)
        self.purposes = application.purposes
        self.redirect_uris = application.redirect_uris


class PeerClient(OAuthClient):
    """Another member's node."""

    def __init__(self, member: Member) -> None:
        super().__init__(member.issuer, member.keys, (JWT_BEARER,), PEER_SCOPES, active=member.is_active)
        self.member = member
