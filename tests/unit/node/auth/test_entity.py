"""What a node says of itself holds the key that signed it, whichever the anchor vouches for."""

from __future__ import annotations

from datetime import UTC, datetime

from federation.jose import public_jwks
from federation.trust.node_configuration import Presented, read_configuration
from node.auth.entity import EntityConfiguration
from node.auth.key_directory import NodeKeys, add_key, revoke_key
from node.auth.key_ring import PUBLISHED_AFTER_S, KeyUse
from tests.unit.node.auth.world import City

NOW = int(datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp())


def test_a_key_that_the_anchor_still_vouches_for_signs_after_the_one_behind_it_was_revoked(tmp_path):
    now = NOW + 10 * PUBLISHED_AFTER_S
    add_key(tmp_path, KeyUse.SIGNING, None, None)
    first = add_key(tmp_path, KeyUse.FEDERATION, None, None)
    second = add_key(tmp_path, KeyUse.FEDERATION, NOW, None)
    vouched = public_jwks(first.key, second.key)
    add_key(tmp_path, KeyUse.FEDERATION, now - 5, None)
    revoke_key(tmp_path, second, now - 4)
    keys = NodeKeys(tmp_path, clock=lambda: now)
    identity = City("giessen").identity
    entity = EntityConfiguration(
        identity, keys, Presented("giessen", "Gießen"), list, lambda: vouched, clock=lambda: now
    )
    found = read_configuration(entity.current(), identity.issuer, vouched, datetime.fromtimestamp(now, UTC))
    assert found.signed_by == first.kid
    assert second.kid not in {key["kid"] for key in found.federation_jwks["keys"]}
