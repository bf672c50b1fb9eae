"""The keys of the log and of the witness: whose turn it is, what is published, what is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from federation.log_keys import MAX_OTHERS, LogKeys, LogKeysError, sign_log_keys, verify_log_keys
from node.auth.keys import KeyFileError
from node.auth.log_keys import PUBLISHED_S, LogKeyUse, NodeLogKeys, add_log_key, load_log_keys, revoke_log_key
from node.settings import Settings
from tests.unit.node.auth.world import City

NOW = 1_800_000_000


@pytest.fixture
def settings(tmp_path):
    return Settings(city="giessen", name="Gießen", issuer="https://daten.giessen.example", home=tmp_path)


def at(settings, now: float) -> NodeLogKeys:
    return NodeLogKeys(settings, lambda: now)


@pytest.mark.parametrize("use", list(LogKeyUse))
def test_a_key_is_announced_used_replaced_and_kept(settings, use):
    def of(keys: LogKeys):
        return keys.of_log if use is LogKeyUse.LOG else keys.of_witness

    first = getattr(at(settings, NOW), use).key
    second = add_log_key(settings, use, NOW + 60).named.key
    assert first != second
    assert of(at(settings, NOW).public) == (first, second), "it is published before it signs"
    assert getattr(at(settings, NOW + 60), use).key == second
    assert of(at(settings, NOW + 60).public) == (second, first)
    assert of(at(settings, NOW + 61 + PUBLISHED_S).public) == (second,)
    third = add_log_key(settings, use, NOW + 120).named.key
    assert of(at(settings, NOW + 121 + PUBLISHED_S).public) == (third,)
    states = {one.named.key: at(settings, NOW + 70).state(one) for one in at(settings, NOW).all if one.use is use}
    assert states == {third: "announced", second: "in use", first: "former"}


def test_a_running_node_takes_over_what_is_added(settings):
    now = [float(NOW)]
    keys = NodeLogKeys(settings, lambda: now[0])
    old = keys.log.key
    new = add_log_key(settings, LogKeyUse.LOG, NOW + 10).named.key
    now[0] += 5
    assert (keys.log.key, keys.public.of_log) == (old, (old, new))
    now[0] += 5
    assert keys.log.key == new
    broken = settings.keys_home / "log-20991301T000000Z.pem"
    broken.write_bytes(settings.log_key_file.read_bytes())
    broken.chmod(0o600)
    now[0] += 5
    assert keys.log.key == new, "what can't be read changes nothing"
    with pytest.raises(KeyFileError, match="the time in its name is none"):
        load_log_keys(settings)


def test_a_revoked_key_signs_no_more_and_is_still_known(settings):
    [held] = [one for one in at(settings, NOW).all if one.use is LogKeyUse.LOG]
    target = revoke_log_key(settings, held, NOW)
    assert target.exists()
    keys = at(settings, NOW + 1)
    assert keys.log.key != held.named.key
    assert keys.public.of_log == (keys.log.key,)
    assert [one.key for one in keys.of_log] == [keys.log.key, held.named.key], "so that what it signed is checked"


def test_a_new_key_follows_a_revoked_one_not_the_one_before_it(settings):
    [first] = [one for one in at(settings, NOW).all if one.use is LogKeyUse.LOG]
    stolen = add_log_key(settings, LogKeyUse.LOG, NOW)
    announced = add_log_key(settings, LogKeyUse.LOG, NOW + 600)
    revoke_log_key(settings, announced, NOW + 1)
    assert at(settings, NOW + 2).log.key == stolen.named.key, "what was only announced needs nothing in its place"
    revoke_log_key(settings, stolen, NOW + 2)
    assert at(settings, NOW + 3).log.key not in (first.named.key, stolen.named.key)


def test_members_learn_all_keys_and_none_of_another_name_or_too_many(settings):
    city = City("giessen", issuer="https://daten.giessen.example")
    time = datetime.fromtimestamp(NOW, UTC)
    keys = at(settings, NOW)
    add_log_key(settings, LogKeyUse.WITNESS, NOW + 60)
    public = at(settings, NOW).public
    assert len(public.of_witness) == 2
    assert verify_log_keys(sign_log_keys(public, city.issuer, city.key, time), city.member, time) == public
    mixed = LogKeys(public.log, public.witness, (public.witness,))
    with pytest.raises(LogKeysError, match="another name or kind"):
        verify_log_keys(sign_log_keys(mixed, city.issuer, city.key, time), city.member, time)
    many = LogKeys(public.log, public.witness, (keys.log.key,) * (MAX_OTHERS + 3))
    assert len(verify_log_keys(sign_log_keys(many, city.issuer, city.key, time), city.member, time).other_logs) == 6
