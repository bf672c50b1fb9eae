"""An application's authorization request, checked against what is registered for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from authlib.oauth2.rfc6749.errors import (
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
    UnsupportedResponseTypeError,
)

from node.auth.clients import AUTHORIZATION_CODE, ApplicationClient
from node.auth.grants import chosen_purpose
from node.auth.oauth_errors import InvalidTargetError

MAX_STATE = 500
PUSHED = "urn:ietf:params:oauth:request_uri:"  # and a handle, for a request that was pushed (RFC 9126)
PUSHED_S = 60
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class UntrustedRequest(Exception):
    """Client or redirect URI can't be relied on: the browser must not be sent anywhere. `reason` is fit for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an application asks for. `thumbprint`: of the key that must ask for the token (RFC 9449 §10)."""

    client_id: str
    redirect_uri: str
    scope: str
    purpose: str
    challenge: str
    state: str | None = None
    thumbprint: str | None = None


def return_address(parameters: Mapping[str, str], client: ApplicationClient | None) -> str:
    """Where the browser may be sent back to: the registered redirect URI that was named, letter by letter.

    Raises:
        UntrustedRequest: client or address is unknown.
    """
    if client is None or not client.active:
        raise UntrustedRequest("client_id: this application is not registered here, or it is suspended")
    address = parameters.get("redirect_uri")
    if address is None and len(client.redirect_uris) == 1:
        return client.redirect_uris[0]
    if address not in client.redirect_uris:
        raise UntrustedRequest("redirect_uri: it is not one of those that are registered for this application")
    return address


def read_request(
    parameters: Mapping[str, str], client: ApplicationClient, address: str, graphql_url: str
) -> AuthorizationRequest:
    """The request, if the application may make it.

    Raises:
        OAuth2Error: with the code that goes back to the application (RFC 6749 §4.1.2.1).
    """
    if parameters.get("response_type") != "code":
        raise UnsupportedResponseTypeError("response_type")
    if not client.check_grant_type(AUTHORIZATION_CODE):
        raise UnauthorizedClientError("no redirect URI is registered for this application")
    if parameters.get("resource", graphql_url) != graphql_url:
        raise InvalidTargetError(f"resource must be {graphql_url}")
    if parameters.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(
        parameters.get("code_challenge", "")
    ):
        raise InvalidRequestError("code_challenge with code_challenge_method=S256 is required (RFC 7636)")
    scope = client.get_allowed_scope(parameters.get("scope"))
    if not scope:
        raise InvalidScopeError(f"scope must be among: {' '.join(client.scopes)}")
    thumbprint = parameters.get("dpop_jkt")
    if thumbprint is not None and not _CHALLENGE.fullmatch(thumbprint):
        raise InvalidRequestError("dpop_jkt must be the thumbprint of a key (RFC 7638, SHA-256)")
    if len(parameters.get("state", "")) > MAX_STATE:
        raise InvalidRequestError(f"state has more than {MAX_STATE} characters")
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=address,
        scope=scope,
        purpose=chosen_purpose(client, parameters.get("purpose")),
        challenge=parameters["code_challenge"],
        state=parameters.get("state"),
        thumbprint=thumbprint,
    )


def answer_url(address: str, issuer: str, state: str | None, **answer: str) -> str:
    """The address with an answer to the application, and who gives it (RFC 9207)."""
    parameters = {**answer, **({} if state is None else {"state": state}), "iss": issuer}
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(parameters)}"


def error_answer(error: OAuth2Error) -> dict[str, str]:
    """An error as it goes back to the application."""
    told: dict[str, Any] = dict(error.get_body())
    return {name: str(value) for name, value in told.items()}
