"""Client authentication by private_key_jwt (RFC 7523 §3 with the audience rule of RFC 7523bis): the only way in."""

from __future__ import annotations

import time
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc.jwk import KeySet

from federation.grants import CLIENT_ASSERTION_TYP
from federation.jose import JwtError, read_unverified, verify
from federation.subjects import APPLICATION_ID, is_issuer
from node.auth.clients import PRIVATE_KEY_JWT, OAuthClient, PeerClient
from node.auth.single_use import LEEWAY_S, AssertionKind, FrameError, check_frame
from node.auth.token_request import TokenRequest

PEER_TYPES = (CLIENT_ASSERTION_TYP,)
TYPES = (*PEER_TYPES, "JWT", None)  # many clients send one of these (RFC 7523 asks for none)
UNKNOWN = "the client is unknown here, or the assertion is not signed with a key that is registered for it"


class NodeClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib has no types
    """Authenticates the client of one request; its `jti` is noted in `request.spent`."""

    CLIENT_AUTH_METHOD = PRIVATE_KEY_JWT

    def __init__(self, request: TokenRequest, issuer: str) -> None:
        super().__init__(leeway=LEEWAY_S)
        self._request = request
        self._issuer = issuer

    def query_client(self, client_id: str) -> OAuthClient:
        """The client that was fetched beforehand."""
        client = self._request.fetched_client
        if client is None or client.client_id != client_id:
            raise InvalidClientError(UNKNOWN)
        return client

    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims before any proof, checked for form."""
        try:
            unverified = read_unverified(assertion)
        except JwtError as error:
            raise InvalidClientError(f"client_assertion: {error.reason}") from None
        return unverified.header, unverified.claims

    def resolve_client_public_key(self, client: OAuthClient) -> KeySet:
        """The client's registered keys."""
        return client.keys

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        """The claims, once signature and type hold."""
        header, _ = self.extract_assertion(assertion)
        types = PEER_TYPES if isinstance(self._request.fetched_client, PeerClient) else TYPES
        if header.get("typ") not in types:
            raise InvalidClientError(f"client_assertion: its typ must be {CLIENT_ASSERTION_TYP}")
        try:
            claims = verify(assertion, resolve_key, types)
        except JwtError:
            raise InvalidClientError(UNKNOWN) from None
        self.verify_claims(claims)
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        """Authlib checks that `iss` and `sub` are the client; the frame is stricter than Authlib's."""
        try:
            self._use = check_frame(claims | {"iss": claims["sub"]}, AssertionKind.CLIENT, self._issuer, time.time())
        except FrameError as error:
            raise InvalidClientError(f"client_assertion: {error.reason}") from None
        super().verify_claims(claims)

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """Whether it was used before is found out when it is committed."""
        self._request.spent.append(self._use)
        return True

    def get_audiences(self) -> list[str]:
        """The issuer alone."""
        return [self._issuer]

    def authenticate_client(self, client: OAuthClient) -> OAuthClient:
        """The client has proven its key: now it may hear that it is suspended."""
        if not client.active:
            raise InvalidClientError("the client is suspended here")
        return super().authenticate_client(client)  # type: ignore[no-any-return]


def claimed_client(form: dict[str, str]) -> str | None:
    """The client_id that an assertion claims, if it could be one; to be fetched, not to be believed."""
    try:
        client_id = read_unverified(form.get("client_assertion", "")).claims.get("sub")
    except JwtError:
        return None
    if isinstance(client_id, str) and (APPLICATION_ID.fullmatch(client_id) or is_issuer(client_id)):
        return client_id
    return None


def claimed_key(form: dict[str, str]) -> str | None:
    """The kid that an assertion names; to be looked for, not to be believed."""
    try:
        return str(read_unverified(form.get("client_assertion", "")).header["kid"])
    except JwtError:
        return None
