"""What a city's node says of itself, for servers that pose as one."""

from __future__ import annotations

from datetime import UTC, datetime

from joserfc.jwk import ECKey

from federation.jose import public_jwks
from federation.trust.node_configuration import Presented, sign_configuration


def configuration_of(city: str, issuer: str, key: ECKey) -> str:
    """The entity configuration of a node that uses one key for everything."""
    jwks = public_jwks(key)
    return sign_configuration(
        issuer=issuer,
        presented=Presented(city, city.title()),
        federation_key=key,
        federation_jwks=jwks,
        jwks=jwks,
        server_metadata={"issuer": issuer, "token_endpoint": f"{issuer}/oauth/token"},
        anchors=[],
        now=datetime.now(UTC),
    )
