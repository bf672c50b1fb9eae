"""Keys over time: published before they sign, published a day longer, gone when they are revoked."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.jose import sign, verify
from node.auth.key_directory import NodeKeys, add_key, read_key_ring, revoke_key
from node.auth.key_ring import PUBLISHED_AFTER_S, HeldKey, KeyRing, KeyState, KeyUse, NoKey
from node.auth.keys import KeyFileError
from tests.unit.node.auth.world import new_key

NOW = int(datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp())
KEY = new_key()


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for use in KeyUse:
        add_key(tmp_path / "keys", use, None, None)
    return tmp_path / "keys"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(directory: Path, clock: Clock) -> NodeKeys:
    return NodeKeys(directory, clock=clock, monotonic=clock)


def kids(keys: NodeKeys) -> set[str]:
    return {key["kid"] for key in keys.jwks["keys"]}


def test_a_new_key_is_known_before_it_signs_and_the_old_one_for_a_day_after(directory, clock, keys):
    old = keys.signing_key.kid
    new = add_key(directory, KeyUse.SIGNING, NOW + 600, None).kid
    clock.now += 2
    assert (keys.signing_key.kid, kids(keys)) == (old, {old, new})
    clock.now = NOW + 601
    assert (keys.signing_key.kid, kids(keys)) == (new, {old, new})
    clock.now = NOW + 600 + PUBLISHED_AFTER_S + 2
    assert (keys.signing_key.kid, kids(keys)) == (new, {new})


def test_what_was_signed_before_a_rotation_is_good_after_it(directory, clock, keys):
    token = sign({"a": 1}, keys.signing_key, "x")
    add_key(directory, KeyUse.SIGNING, NOW, None)
    clock.now += 2
    assert verify(token, keys.public_keys, {"x"}) == {"a": 1}
    assert sign({}, keys.signing_key, "x").split(".")[0] != token.split(".")[0]


def test_a_revoked_key_is_gone_at_once(directory, clock, keys):
    (held,) = keys.ring.of(KeyUse.SIGNING)
    token = sign({"a": 1}, keys.signing_key, "x")
    before = keys.public_keys
    new = add_key(directory, KeyUse.SIGNING, NOW, None)
    revoke_key(directory, held, NOW)
    clock.now += 2
    assert keys.public_keys is not before
    assert kids(keys) == {new.kid}
    with pytest.raises(ValueError, match="names no key"):
        verify(token, keys.public_keys, {"x"})


def test_a_revocation_does_not_bring_back_what_ended_long_ago(directory, clock, keys):
    first = keys.signing_key.kid
    stolen = add_key(directory, KeyUse.SIGNING, NOW + 10, None)
    clock.now += 10 * PUBLISHED_AFTER_S
    assert kids(keys) == {stolen.kid}
    new = add_key(directory, KeyUse.SIGNING, int(clock.now), None)
    revoke_key(directory, stolen, clock.now)
    clock.now += 2
    assert kids(keys) == {new.kid}
    assert {(one.kid, one.ended_at) for one in keys.former if one.revoked_at is None} == {(first, NOW + 10)}


def test_without_a_new_key_the_one_before_signs_and_is_published(directory, clock, keys):
    """So it is with mounted secrets, where a key is revoked by another name alone."""
    first = keys.signing_key.kid
    stolen = add_key(directory, KeyUse.SIGNING, NOW + 10, None)
    clock.now += 10 * PUBLISHED_AFTER_S
    revoke_key(directory, stolen, clock.now)
    clock.now += 2
    assert (keys.signing_key.kid, kids(keys)) == (first, {first})
    assert first not in {one.kid for one in keys.former}


def test_one_that_never_signed_ends_none_by_its_revocation(directory, clock, keys):
    first = keys.signing_key.kid
    announced = add_key(directory, KeyUse.SIGNING, NOW + 600, None)
    revoke_key(directory, announced, NOW + 5)
    clock.now += 2 * PUBLISHED_AFTER_S
    assert (keys.signing_key.kid, kids(keys)) == (first, {first})
    assert {one.kid for one in keys.former} == {announced.kid}


class TestFormerKeys:
    """What a node lists of its past is what the names of its files say."""

    def facts(self, keys: NodeKeys) -> set[tuple[str, int, int | None]]:
        return {(one.kid, one.ended_at, one.revoked_at) for one in keys.former}

    def test_there_are_none_at_first(self, keys):
        assert keys.former == ()

    def test_a_rotated_key_from_the_moment_at_which_another_one_signs(self, directory, clock, keys):
        old = keys.signing_key.kid
        add_key(directory, KeyUse.SIGNING, NOW + 600, None)
        clock.now += 2
        assert keys.former == ()
        clock.now = NOW + 601
        assert self.facts(keys) == {(old, NOW + 600, None)}
        clock.now = NOW + 600 + 2 * PUBLISHED_AFTER_S
        assert self.facts(keys) == {(old, NOW + 600, None)}

    def test_a_revoked_key_with_the_time_of_revocation(self, directory, clock, keys):
        (held,) = keys.ring.of(KeyUse.SIGNING)
        add_key(directory, KeyUse.SIGNING, NOW, None)
        revoke_key(directory, held, NOW + 90)
        clock.now += 100
        assert self.facts(keys) == {(held.kid, NOW, NOW + 90)}

    def test_a_key_of_a_mounted_secret_is_revoked_by_another_name(self, directory, clock, keys):
        (held,) = keys.ring.of(KeyUse.FEDERATION)
        add_key(directory, KeyUse.FEDERATION, NOW - 5, None)
        (directory / "federation.pem").rename(directory / "federation-revoked-20261201T115959Z.pem")
        clock.now += 2
        assert self.facts(keys) == {(held.kid, NOW - 5, NOW - 1)}
        assert held.kid not in {key.kid for key in keys.ring.keys}

    def test_one_that_can_not_be_read_is_told_and_left_out(self, directory, clock, keys, caplog):
        bad = directory / "signing-revoked-20261201T115959Z.pem"
        bad.write_bytes(b"half a key")
        bad.chmod(0o600)
        assert keys.former == ()
        assert "a former key is not listed" in caplog.text


def test_the_federation_key_is_not_published_among_those_that_sign_tokens(keys):
    (federation,) = keys.ring.of(KeyUse.FEDERATION)
    assert federation.kid not in kids(keys)


def test_a_key_that_cannot_be_used_does_not_end_those_that_can(directory, clock, keys, caplog):
    old = keys.signing_key.kid
    bad = directory / "signing-20261201T120000Z.pem"
    bad.write_bytes(b"half a key")
    bad.chmod(0o600)
    clock.now += 2
    assert keys.signing_key.kid == old
    assert "not a private key" in caplog.text
    bad.unlink()
    new = add_key(directory, KeyUse.SIGNING, NOW, None)
    clock.now += 2
    assert keys.signing_key.kid == new.kid


def test_a_node_without_keys_does_not_start(tmp_path):
    with pytest.raises(KeyFileError, match="key rotate --use signing"):
        NodeKeys(tmp_path)
    add_key(tmp_path, KeyUse.SIGNING, int(time.time()) + 600, None)
    with pytest.raises(KeyFileError, match="no active signing key"):
        NodeKeys(tmp_path)


def test_other_files_are_left_alone(directory):
    (directory / "anchor.json").write_text("{}")
    (directory / "log-1.pem").write_text("another part's")
    assert len(read_key_ring(directory, None).keys) == 2


def test_a_time_that_is_none_is_told(directory):
    (directory / "signing.pem").rename(directory / "signing-20261301T000000Z.pem")
    with pytest.raises(KeyFileError, match="the time in its name is none"):
        read_key_ring(directory, None)


def test_there_is_an_end_to_the_number_of_keys(directory):
    for number in range(7):
        add_key(directory, KeyUse.SIGNING, int(time.time()) + number, None)
    with pytest.raises(KeyFileError, match="wait for a day"):
        add_key(directory, KeyUse.SIGNING, int(time.time()) + 100, None)


TIMES = st.integers(0, 5 * PUBLISHED_AFTER_S)


@given(st.lists(TIMES, min_size=1, max_size=6, unique=True), TIMES)
def test_whatever_the_times_one_key_signs_and_is_published(times, now):
    ring = KeyRing(HeldKey(KeyUse.SIGNING, f"{at}.pem", KEY, at) for at in times)
    states = [ring.state(held, now) for held in ring.keys]
    if min(times) > now:
        with pytest.raises(NoKey):
            ring.current(KeyUse.SIGNING, now)
        assert set(states) == {KeyState.NEXT}
        return
    current = ring.current(KeyUse.SIGNING, now)
    assert current.active_from == max(at for at in times if at <= now)
    assert states.count(KeyState.ACTIVE) == 1
    assert ring.state(current, now) is KeyState.ACTIVE
    assert current in ring.published(KeyUse.SIGNING, now)
    # nothing changes until the next change
    change = ring.next_change(now)
    if change < float("inf"):
        assert [ring.state(held, change - 1) for held in ring.keys] == states
        assert [ring.state(held, change) for held in ring.keys] != states
