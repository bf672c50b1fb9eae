"""This node's entity configuration (OpenID Federation 1.0): what it says of itself, signed with its federation key.

Made again when the keys or the anchors change, when an anchor vouches for other keys, and every hour; it is valid for a
day. The newest key that is vouched for signs, so that a new key is used no earlier than others can know it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from federation.jose import public_jwks
from federation.trust.node_configuration import Presented, sign_configuration
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.auth.key_ring import KeyUse
from node.auth.metadata import server_metadata

MADE_AGAIN_S = 3_600.0


class EntityConfiguration:
    """Makes the configuration. `anchors` are the trusted ones; `vouched` are our keys that they vouch for."""

    def __init__(
        self,
        identity: NodeIdentity,
        keys: NodeKeys,
        presented: Presented,
        anchors: Callable[[], Sequence[str]],
        vouched: Callable[[], dict[str, Any]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._identity = identity
        self._keys = keys
        self._presented = presented
        self._anchors = anchors
        self._vouched = vouched
        self._clock = clock
        self._made: tuple[object, float, str] = (None, 0.0, "")

    def current(self) -> str:
        """The configuration as a compact JWS."""
        now = self._clock()
        ring, anchors, vouched = self._keys.ring, list(self._anchors()), self._vouched()
        state, made_at, token = (ring, self._keys.jwks, anchors, vouched), *self._made[1:]
        if state == self._made[0] and 0 <= now - made_at < MADE_AGAIN_S:
            return token
        kids = {key["kid"] for key in vouched["keys"]}
        signing = ring.current(KeyUse.FEDERATION, now, among=kids)
        token = sign_configuration(
            issuer=self._identity.issuer,
            presented=self._presented,
            federation_key=signing.key,
            federation_jwks=public_jwks(*(held.key for held in ring.published(KeyUse.FEDERATION, now))),
            jwks=self._identity.jwks,
            server_metadata=server_metadata(self._identity),
            anchors=anchors,
            now=datetime.fromtimestamp(now, UTC),
        )
        self._made = (state, now, token)
        return token
