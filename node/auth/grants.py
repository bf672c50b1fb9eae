"""The two grants of this node: client credentials for its own applications, JWT bearer for other members' nodes.

The checks of the JWT bearer grant run in the order of the identity chaining profile: target, client, type, issuer,
signature, audience and lifetime, presenter, subject, purpose, scope. What is used up is committed after all of them.
"""

from __future__ import annotations

import re
import time
from typing import Any

from authlib.oauth2.drafts.id_jag import IDJAGGrant
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from joserfc.jwk import KeySet

from federation.grants import GRANT_TYP
from federation.jose import JwtError, read_unverified, verify
from federation.subjects import ANONYMOUS_ID, application_of
from node.auth.clients import PRIVATE_KEY_JWT, ApplicationClient, OAuthClient, PeerClient
from node.auth.oauth_errors import InvalidTargetError, shown
from node.auth.revocation import foreign_subject
from node.auth.single_use import LEEWAY_S, AssertionKind, FrameError, SingleUse, check_frame
from node.auth.subject import Subject
from node.auth.token_request import TokenRequest
from policy.vocabulary import PURPOSES, is_purpose

TRACE_ID = re.compile(r"[0-9a-f]{32}")
REMARKS = {"legal_basis": 200, "agreement": 100}  # what an application invokes, and how long it may be


class ApplicationGrant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """Client credentials (RFC 6749 §4.4) with the parameter `purpose`, one that is registered for the application."""

    TOKEN_ENDPOINT_AUTH_METHODS = (PRIVATE_KEY_JWT,)

    def validate_token_request(self) -> None:
        """Target, client, scope, purpose."""
        check_resource(self.request, self.server.node.graphql_url, required=False)
        super().validate_token_request()
        self.request.purpose = chosen_purpose(self.request.client, self.request.form.get("purpose"))
        check_remarks(remarks(self.request), InvalidRequestError)

    def validate_requested_scope(self) -> None:
        """A refusal names the choices."""
        check_scope(self.request.client, self.request.payload.scope)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The token; its subject is the application itself."""
        client: ApplicationClient = self.request.client
        city = self.server.node.city
        claims = {"city": city, "application": client.client_id, "purpose": self.request.purpose}
        subject = Subject(client.client_id, {**claims, **remarks(self.request), **self.request.confirmation})
        token = self.generate_token(user=subject, scope=self.request.payload.scope, include_refresh_token=False)
        return 200, token, self.TOKEN_RESPONSE_HEADER


class PeerGrant(IDJAGGrant):  # type: ignore[misc]  # Authlib has no types
    """JWT bearer grant (RFC 7523 §2.1): a member's node vouches for one of its applications."""

    TOKEN_ENDPOINT_AUTH_METHODS = (PRIVATE_KEY_JWT,)
    REQUIRED_TYP = GRANT_TYP
    LEEWAY = LEEWAY_S
    _use: SingleUse

    def validate_token_request(self) -> None:
        """The target first, then as the library orders it."""
        check_resource(self.request, self.server.node.graphql_url, required=True)
        super().validate_token_request()

    def validate_requested_scope(self) -> None:
        """A refusal names the choices."""
        check_scope(self.request.client, self.request.payload.scope)

    def get_audiences(self) -> list[str]:
        """This node's issuer alone."""
        return [self.server.node.issuer]

    def resolve_issuer_key(self, issuer: str, headers: dict[str, Any]) -> KeySet:  # noqa: ARG002 - Authlib's signature
        """The keys of the member that presents the grant: nobody else's grants are taken from it."""
        client = self.request.client
        if not isinstance(client, PeerClient) or client.client_id != issuer:
            raise InvalidGrantError("the grant's iss must be the node that presents it")
        return client.keys

    def check_jti(self, claims: dict[str, Any], jti: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """Whether it was used before is found out when it is committed."""
        self.request.spent.append(self._use)
        return True

    def authenticate_user(self, subject: str) -> Subject | None:
        """The application, or the caller without token, that the presenting city may speak for."""
        client: PeerClient = self.request.client
        application = application_of(subject, client.client_id)
        if application is None:
            return None
        self.request.foreign_subject = foreign_subject(client.member.id, application)
        claims = self.request.id_jag_claims
        extra = {"city": client.member.id, "application": application, "act": {"sub": client.client_id}}
        extra |= self.request.confirmation
        for name in ("purpose", *REMARKS):
            if name in claims:
                extra[name] = claims[name]
        return Subject(subject, extra)

    def check_id_jag_permission(self, client: PeerClient, user: Subject, scopes: list[str]) -> bool:  # noqa: ARG002
        """A peer may have the scopes for peers; what its application may see is decided per query."""
        return bool(scopes) and set(scopes) <= set(client.scopes)

    def _process_assertion_claims(self, assertion: str) -> dict[str, Any]:
        try:
            unverified = read_unverified(assertion)
            self._validate_typ_header(unverified.header)
            keys = self.resolve_issuer_key(unverified.claims.get("iss", ""), unverified.header)
            claims = verify(assertion, keys, {GRANT_TYP})
        except JwtError as error:
            raise InvalidGrantError(f"assertion: {error.reason}") from None
        self._verify_claims(claims)
        return claims

    def _validate_typ_header(self, headers: dict[str, Any]) -> None:
        # unlike the library's text this one does not repeat the client's, which might break the answer
        if headers.get("typ") != self.REQUIRED_TYP:
            raise InvalidGrantError(f"assertion: its typ must be {self.REQUIRED_TYP}")

    def _verify_claims(self, claims: dict[str, Any]) -> None:
        super()._verify_claims(claims)
        try:
            self._use = check_frame(claims, AssertionKind.GRANT, self.server.node.issuer, time.time())
        except FrameError as error:
            raise InvalidGrantError(f"assertion: {error.reason}") from None
        if claims["client_id"] != claims["iss"]:
            raise InvalidGrantError("assertion: client_id must be its iss, the node that presents it")
        check_purpose_claim(claims)
        check_remarks(claims, InvalidGrantError, "assertion: ")

    def _resolve_scope(self, claims: dict[str, Any]) -> str:
        if not isinstance(claims.get("scope"), str) or not claims["scope"].split():
            raise InvalidGrantError("assertion: scope is missing")
        scope: str = super()._resolve_scope(claims)
        check_scope(self.request.client, scope)
        return scope


def check_resource(request: TokenRequest, graphql_url: str, *, required: bool) -> None:
    """The target of the token is this node (RFC 8707).

    Raises:
        InvalidTargetError: it is another one, or missing where it is required.
    """
    resource = request.form.get("resource")
    if resource is None and not required:
        return
    if resource != graphql_url:
        raise InvalidTargetError(f"resource must be {graphql_url}, the only one that this node gives tokens for")


def check_scope(client: OAuthClient, scope: str | None) -> None:
    """Raises `InvalidScopeError` that names the choices, if a scope is not the client's."""
    if client.get_allowed_scope(scope) is None:
        raise InvalidScopeError(f"scope must be among: {' '.join(client.scopes)}")


def chosen_purpose(client: OAuthClient, purpose: str | None) -> str:
    """The purpose asked for, or the only one that is registered.

    Raises:
        InvalidRequestError: none or a wrong one was named; the text lists the choices.
    """
    if not isinstance(client, ApplicationClient):  # check_grant_type lets applications through alone
        raise InvalidClientError("client credentials are for this city's applications")
    choices = " ".join(client.purposes)
    if purpose is None:
        if len(client.purposes) == 1:
            return client.purposes[0]
        raise InvalidRequestError(f"purpose is missing; registered for this application: {choices}")
    if not is_purpose(purpose):
        raise InvalidRequestError(f"purpose {shown(purpose)} is unknown; registered for this application: {choices}")
    if purpose not in client.purposes:
        raise InvalidRequestError(f"purpose {purpose} is not registered for this application; it has: {choices}")
    return purpose


def check_purpose_claim(claims: dict[str, Any]) -> None:
    """An application has a purpose from the federation's list; a caller without token has none.

    Raises:
        InvalidGrantError: otherwise.
    """
    purpose = claims.get("purpose")
    if claims["sub"].endswith(f"#{ANONYMOUS_ID}"):
        if "purpose" in claims:
            raise InvalidGrantError("assertion: a caller without token has no purpose")
    elif not isinstance(purpose, str) or not is_purpose(purpose):
        raise InvalidGrantError(f"assertion: purpose must be one of {' '.join(PURPOSES)}")


def remarks(request: TokenRequest) -> dict[str, str]:
    """What the application invokes, of its own accord: a legal basis, an agreement."""
    return {name: request.form[name] for name in REMARKS if name in request.form}


def check_remarks(claims: dict[str, Any], error: type[OAuth2Error], where: str = "") -> None:
    """Optional claims for the record: legal basis and agreement in printable text, a W3C trace id.

    Raises:
        OAuth2Error: the given one, if a claim has another form.
    """
    for name, longest in REMARKS.items():
        value = claims.get(name, "-")
        if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= longest:
            raise error(f"{where}{name} must be 1 to {longest} printable characters")
    trace_id = claims.get("trace_id", "0" * 32)
    if not isinstance(trace_id, str) or not TRACE_ID.fullmatch(trace_id):
        raise error(f"{where}trace_id must be 32 hexadecimal digits in small letters")
