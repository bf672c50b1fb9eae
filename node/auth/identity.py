"""Who this node is, as far as tokens are concerned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from joserfc.jwk import ECKey, KeySet

from federation.jose import public_jwks, public_keys
from node.settings import Settings


@dataclass(frozen=True)
class NodeIdentity:
    """Names and keys of one node: issuer of tokens, and the audience `graphql_url` that it issues them for."""

    city: str
    issuer: str
    graphql_url: str
    token_endpoint: str
    signing_key: ECKey

    @classmethod
    def from_settings(cls, settings: Settings, signing_key: ECKey) -> NodeIdentity:
        """The identity that the settings describe."""
        return cls(settings.city, settings.issuer, settings.graphql_url, settings.token_endpoint, signing_key)

    @property
    def jwks(self) -> dict[str, Any]:
        """The public keys that this node signs with (RFC 7517)."""
        return public_jwks(self.signing_key)

    @cached_property
    def public_keys(self) -> KeySet:
        """`jwks`, ready for checking this node's own tokens."""
        return public_keys(self.jwks)
