"""This node's entity configuration (OpenID Federation 1.0): what it says of itself, signed with its federation key.

Made again when the keys or the anchors change, when an anchor vouches for other keys, and every hour; it is valid for a
day. The newest key that is vouched for signs, so that a new key is used no earlier than others can know it. The list of
former keys is signed with the same one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from joserfc.jwk import ECKey

from federation.jose import public_jwks
from federation.trust.former_keys import sign_former_keys
from federation.trust.node_configuration import Presented, sign_configuration
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.auth.key_ring import KeyRing, KeyUse
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
        self._former: tuple[object, float, str] = (None, 0.0, "")

    def current(self) -> str:
        """The configuration as a compact JWS."""
        now = self._clock()
        ring, anchors, vouched = self._keys.ring, list(self._anchors()), self._vouched()
        state, made_at, token = (ring, self._keys.jwks, anchors, vouched), *self._made[1:]
        if state == self._made[0] and 0 <= now - made_at < MADE_AGAIN_S:
            return token
        signing = _signing(ring, now, vouched)
        published = {held.kid: held.key for held in ring.published(KeyUse.FEDERATION, now)}
        token = sign_configuration(
            issuer=self._identity.issuer,
            presented=self._presented,
            federation_key=signing,
            federation_jwks=public_jwks(*(published | {signing.kid: signing}).values()),
            jwks=self._identity.jwks,
            server_metadata=server_metadata(self._identity),
            anchors=anchors,
            now=datetime.fromtimestamp(now, UTC),
        )
        self._made = (state, now, token)
        return token

    def former_keys(self) -> str:
        """The keys that sign no more, as a compact JWS (OpenID Federation 1.0 §8.7)."""
        now = self._clock()
        ring, vouched = self._keys.ring, self._vouched()
        state, made_at, token = (ring, self._keys.jwks, vouched), *self._former[1:]
        if state == self._former[0] and 0 <= now - made_at < MADE_AGAIN_S:
            return token
        signing = _signing(ring, now, vouched)
        token = sign_former_keys(self._identity.issuer, self._keys.former, signing, datetime.fromtimestamp(now, UTC))
        self._former = (state, now, token)
        return token


def _signing(ring: KeyRing, now: float, vouched: dict[str, Any]) -> ECKey:
    """The newest federation key that is vouched for."""
    return ring.current(KeyUse.FEDERATION, now, among={key["kid"] for key in vouched["keys"]}).key
