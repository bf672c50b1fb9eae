"""What a node says of itself: its entity configuration, signed with its federation key. Pure.

It is believed as far as the anchor vouches for the key, and only about things that lie on the node's own host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from joserfc.jwk import ECKey

from federation.errors import MembershipError
from federation.jose import JwtError, read_unverified
from federation.subjects import is_issuer
from federation.trust.former_keys import ENDPOINT
from federation.trust.former_keys import PATH as FORMER_KEYS_PATH
from federation.trust.statements import (
    LAST_SECOND,
    LIFETIME,
    MAX_STATEMENT_BYTES,
    Period,
    Statement,
    checked_keys,
    key_set,
    moment,
    read_statement,
    sign_statement,
)

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address


class _AuthorizationServer(msgspec.Struct):
    issuer: str
    token_endpoint: str


class _Client(msgspec.Struct):
    jwks: dict[str, Any]


class _Metadata(msgspec.Struct):
    oauth_authorization_server: _AuthorizationServer
    oauth_client: _Client


class Presented(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a node presents its city; what counts is what the anchor says."""

    id: str
    name: str
    ags: str | None = None


class _Configuration(Statement, kw_only=True):
    metadata: _Metadata
    verbund_member: Presented


@dataclass(frozen=True)
class NodeConfiguration:
    """A proven configuration. `federation_jwks` sign configurations, `jwks` all else; `signed_by` is a kid."""

    issuer: str
    presented: Presented
    federation_jwks: dict[str, Any]
    jwks: dict[str, Any]
    signed_by: str
    period: Period


def sign_configuration(
    *,
    issuer: str,
    presented: Presented,
    federation_key: ECKey,
    federation_jwks: dict[str, Any],
    jwks: dict[str, Any],
    server_metadata: dict[str, Any],
    anchors: Sequence[str],
    now: datetime,
) -> str:
    """The node's configuration, valid for 24 hours, signed with `federation_key`."""
    client = {
        "client_name": presented.name,
        "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks,
    }
    claims = {
        "iss": issuer,
        "sub": issuer,
        "jwks": federation_jwks,
        **({"authority_hints": list(anchors)} if anchors else {}),
        "metadata": {
            "federation_entity": {"organization_name": presented.name, ENDPOINT: issuer + FORMER_KEYS_PATH},
            "oauth_authorization_server": server_metadata,
            "oauth_client": client,
        },
        "verbund_member": msgspec.to_builtins(presented),
    }
    return sign_statement(claims, federation_key, now, LIFETIME)


def read_configuration(
    token: str | bytes, issuer: str, vouched_jwks: dict[str, Any], now: datetime
) -> NodeConfiguration:
    """The configuration of `issuer`, if a key that the anchor vouches for signed it and the node publishes that key.

    Raises:
        MembershipError: the reason says what is wrong.
    """
    statement, period = read_statement(
        token, _Configuration, key_set(vouched_jwks), issuer=issuer, subject=issuer, now=now
    )
    return _checked(statement, period, token)


def read_self_signed(token: str | bytes, now: datetime | None = None) -> NodeConfiguration:
    """A configuration that proves nothing but that whoever made it holds its keys: compare the fingerprint.

    `now` None: as of the moment at which it was made.

    Raises:
        MembershipError: the reason says what is wrong.
    """
    try:
        claims = read_unverified(token, MAX_STATEMENT_BYTES).claims
    except JwtError as error:
        raise MembershipError(f"this is no entity configuration: {error.reason}") from None
    issuer, jwks = claims.get("iss"), claims.get("jwks")
    if not isinstance(issuer, str) or not isinstance(jwks, dict):
        raise MembershipError("this is no entity configuration: iss or jwks is missing")
    at = claims.get("iat")
    if now is None:
        if not isinstance(at, int) or not 0 <= at <= LAST_SECOND:
            raise MembershipError("this is no entity configuration: iat is not a second since 1970")
        now = moment(at)
    return read_configuration(token, issuer, checked_keys(jwks), now)


def _checked(statement: _Configuration, period: Period, token: str | bytes) -> NodeConfiguration:
    server = statement.metadata.oauth_authorization_server
    federation_jwks = checked_keys(statement.jwks)
    kid = read_unverified(token, MAX_STATEMENT_BYTES).header["kid"]
    if not is_issuer(statement.iss):
        raise MembershipError("the configuration's iss must be https://host, with no path and no final slash")
    if kid not in {key["kid"] for key in federation_jwks["keys"]}:
        raise MembershipError("the configuration does not hold the key that signed it")
    if server.issuer != statement.iss:
        raise MembershipError("the configuration names another issuer in its metadata")
    if server.token_endpoint != statement.iss + TOKEN_PATH:
        raise MembershipError(f"the token endpoint is not the issuer's {TOKEN_PATH}")
    return NodeConfiguration(
        statement.iss,
        statement.verbund_member,
        federation_jwks,
        checked_keys(statement.metadata.oauth_client.jwks),
        kid,
        period,
    )
