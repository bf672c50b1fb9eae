"""Who this node is, as far as tokens are concerned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from joserfc.jwk import ECKey, KeySet

from node.settings import Settings


class Keys(Protocol):
    """Keys that may change while the node runs: ask for them whenever one is needed."""

    @property
    def signing_key(self) -> ECKey:
        """The key that signs now."""

    @property
    def jwks(self) -> dict[str, Any]:
        """The public keys to be published (RFC 7517)."""

    @property
    def public_keys(self) -> KeySet:
        """`jwks`, ready for checking; another object whenever the keys change."""


@dataclass(frozen=True)
class NodeIdentity:
    """Names and keys of one node: issuer of tokens, and the audience `graphql_url` that it issues them for.

    `people_sign_in`: whether there is an identity provider for people.
    """

    city: str
    issuer: str
    graphql_url: str
    token_endpoint: str
    keys: Keys
    people_sign_in: bool = False

    @classmethod
    def from_settings(cls, settings: Settings, keys: Keys) -> NodeIdentity:
        """The identity that the settings describe."""
        return cls(
            settings.city,
            settings.issuer,
            settings.graphql_url,
            settings.token_endpoint,
            keys,
            people_sign_in=settings.identity_provider is not None,
        )

    @property
    def signing_key(self) -> ECKey:
        """The key with which this node signs now."""
        return self.keys.signing_key

    @property
    def jwks(self) -> dict[str, Any]:
        """The public keys that this node signs with (RFC 7517)."""
        return self.keys.jwks

    @property
    def public_keys(self) -> KeySet:
        """`jwks`, ready for checking this node's own tokens."""
        return self.keys.public_keys
