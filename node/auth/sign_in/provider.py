"""The city's identity provider, seen as an OpenID Connect relying party (Core 1.0, code flow, private_key_jwt, PKCE).

Its documents are believed as far as they stay on its own origin; its ID tokens if an ES256 key of its own signed them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from joserfc.jwk import ECKey, KeySet

from federation.discovery import same_origin
from federation.errors import PeerError
from federation.grants import ASSERTION_TYPE, FORM, client_assertion
from federation.jose import JwtError, public_keys, verify
from federation.transport import PeerResponse, PeerTransport
from node.auth.sign_in.pkce import challenge_of

WELL_KNOWN = "/.well-known/openid-configuration"
REMEMBER_S = 600.0
REFETCH_S = 60.0
TIMEOUT_S = 5.0
MAX_BYTES = 64_000
MAX_TOKEN_BYTES = 8_192
SKEW_S = 30
MAX_SUBJECT = 255
JSON = {"Accept": "application/json"}


class ProviderError(Exception):
    """The provider gave nothing that can be relied on. `reason` is fit for people and without foreign text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderMetadata(msgspec.Struct):
    """The members of OpenID Connect Discovery 1.0 that are used here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct):
    id_token: str


class IdentityProvider:
    """Sends people to the provider, and finds out who came back. `signing_key` is the node's, which it is known by."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        callback: str,
        transport: PeerTransport,
        signing_key: Callable[[], ECKey],
        *,
        scope: str = "openid",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._callback = callback
        self._transport = transport
        self._signing_key = signing_key
        self._scope = scope
        self._clock = clock
        self._monotonic = monotonic
        self._metadata: tuple[float, ProviderMetadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser goes to sign in. Raises ProviderError."""
        metadata = await self._current_metadata()
        parameters = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "scope": self._scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        mark = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{mark}{urlencode(parameters)}"

    async def check_origin(self, issuer: str | None) -> None:
        """Check the `iss` of an answer (RFC 9207). Raises ProviderError."""
        expected = (await self._current_metadata()).authorization_response_iss_parameter_supported
        if issuer != self.issuer and (issuer is not None or expected):
            raise ProviderError("the answer is not of the city's identity provider")

    async def claims(self, code: str, nonce: str, verifier: str) -> dict[str, Any]:
        """Who signed in: the claims of the ID token, `sub` among them. Raises ProviderError."""
        metadata = await self._current_metadata()
        assertion = client_assertion(self._client_id, self.issuer, self._signing_key(), int(self._clock()))
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
            "client_id": self._client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        response = await self._asked(
            self._transport.post(
                metadata.token_endpoint,
                body=urlencode(form).encode(),
                content_type=FORM,
                headers=JSON,
                timeout_s=TIMEOUT_S,
                max_bytes=MAX_BYTES,
            )
        )
        tokens: _Tokens = _decoded(response, _Tokens, "token endpoint")
        return await self._claims_of(tokens.id_token, nonce)

    async def _claims_of(self, id_token: str, nonce: str) -> dict[str, Any]:
        claims = await self._verified(id_token)
        now = self._clock()
        audience = claims.get("aud")
        if claims.get("iss") != self.issuer or audience not in (self._client_id, [self._client_id]):
            raise ProviderError("the ID token is of another issuer or for somebody else")
        if claims.get("azp", self._client_id) != self._client_id or claims.get("nonce") != nonce:
            raise ProviderError("the ID token is for another sign-in")
        issued, ends = claims.get("iat"), claims.get("exp")
        times = [at for at in (issued, ends) if isinstance(at, int) and not isinstance(at, bool)]
        if len(times) != 2 or times[0] > now + SKEW_S or times[1] <= now - SKEW_S:
            raise ProviderError("the ID token is not of now: compare the clocks")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
            raise ProviderError("the ID token names nobody")
        return claims

    async def _verified(self, id_token: str) -> dict[str, Any]:
        keys = await self._current_keys(REMEMBER_S)
        try:
            return verify(id_token, keys, ("JWT", None), MAX_TOKEN_BYTES)
        except JwtError:
            keys = await self._current_keys(REFETCH_S)  # it may have a new key
        try:
            return verify(id_token, keys, ("JWT", None), MAX_TOKEN_BYTES)
        except JwtError as error:
            raise ProviderError(f"the ID token is not accepted: {error.reason}") from None

    async def _current_metadata(self) -> ProviderMetadata:
        now = self._monotonic()
        if self._metadata is None or now - self._metadata[0] > REMEMBER_S:
            metadata: ProviderMetadata = await self._document(self.issuer.rstrip("/") + WELL_KNOWN, ProviderMetadata)
            addresses = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
            if metadata.issuer != self.issuer or not all(same_origin(one, self.issuer) for one in addresses):
                raise ProviderError("the identity provider's metadata is of another issuer, or points to other hosts")
            self._metadata = now, metadata
        return self._metadata[1]

    async def _current_keys(self, at_most_s: float) -> KeySet:
        now = self._monotonic()
        if self._keys is None or now - self._keys[0] > at_most_s:
            document = await self._document((await self._current_metadata()).jwks_uri, dict[str, Any])
            self._keys = now, _usable(document)
        return self._keys[1]

    async def _document(self, url: str, kind: Any) -> Any:
        response = await self._asked(self._transport.get(url, headers=JSON, timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES))
        return _decoded(response, kind, "metadata")

    @staticmethod
    async def _asked(asking: Any) -> PeerResponse:
        try:
            response: PeerResponse = await asking
        except PeerError as error:
            raise ProviderError(f"the city's identity provider can't be asked: {error.reason}") from None
        return response


def _decoded(response: PeerResponse, kind: Any, what: str) -> Any:
    if response.status != 200:
        raise ProviderError(f"the identity provider's {what} answered with status {response.status}")
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ProviderError(f"the identity provider's {what} gave a malformed answer") from None


def _usable(document: dict[str, Any]) -> KeySet:
    """Its ES256 keys; providers have others as well."""
    found = document.get("keys")
    keys = (
        [key for key in found if isinstance(key, dict) and key.get("crv") == "P-256"] if isinstance(found, list) else []
    )
    try:
        return public_keys({"keys": [key for key in keys if key.get("use") != "enc"]})
    except JwtError as error:
        raise ProviderError(f"the identity provider has no usable ES256 key: {error.reason}") from None
