"""A log goes on under a new key, and what the old one has signed holds."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from federation.log_keys import NamedKey
from federation.tlog.note import ED25519, is_signed, read, verifier_key
from node.audit.bundle import BundleMaker
from node.audit.extent import BundleError
from node.audit.fsck import LogCorrupt, check_log
from node.audit.grammar import read_filter
from node.audit.reconciling import Reconciler
from node.audit.verify import BundleInvalid, verify_bundle
from node.web.desk.log_work import LogWork
from policy.model import Caller
from tests.integration.audit.conftest import KEY, sequencing
from tests.integration.audit.test_proofs import cosigned
from tests.log import append

PRIVATE = Ed25519PrivateKey.generate()
NEW = NamedKey(verifier_key(KEY.key.name, ED25519, PRIVATE), PRIVATE)
EVERYTHING = read_filter("")


def heads(connection) -> list[tuple[int, bool, bool]]:
    """Sizes of the heads, and whether the old and the new key signed them."""
    rows = connection.execute("select size, note from log_checkpoint order by size").fetchall()
    return [(size, is_signed(read(note), KEY.key), is_signed(read(note), NEW.key)) for size, note in rows]


def test_heads_bundles_and_the_stored_log_hold_across_a_rotation(connection, database_url, tmp_path):
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    with sequencing(database_url) as sequencer:
        append(connection, 2)
        sequencer.sequence()
        append(connection, 3)
        sequencer.sequence()
        cosigned(connection)
        BundleMaker(connection, "giessen", KEY).write(before, "", EVERYTHING)
        sequencer.use(KEY)
        assert heads(connection) == [(2, True, False), (5, True, False)]
        sequencer.use(NEW)
        assert heads(connection) == [(2, True, False), (5, False, True)], "the newest head is signed anew"
        waiting = connection.execute("select cosigned_at, witness_keys from log_checkpoint where size = 5").fetchone()
        assert waiting == (None, {}), "and cosigned anew"
        append(connection, 1)
        sequencer.sequence()
        assert heads(connection)[-1] == (6, False, True)
    cosigned(connection)
    with pytest.raises(BundleError, match="a key that is not there any more"):
        BundleMaker(connection, "giessen", KEY).write(after, "", EVERYTHING)
    BundleMaker(connection, "giessen", NEW, KEY).write(after, "", EVERYTHING)
    assert verify_bundle(before, log_key=str(KEY.key)).records == 5
    assert verify_bundle(after, log_key=str(NEW.key)).records == 6
    with pytest.raises(BundleInvalid, match="another log"):
        verify_bundle(after, log_key=str(KEY.key))
    assert json.loads(after.read_text().split("\n")[0])["log_key"] == str(NEW.key)
    assert check_log(connection, NEW.key, KEY.key).heads == 3
    with pytest.raises(LogCorrupt, match="the head of 2 leaves does not hold"):
        check_log(connection, NEW.key)


async def test_the_desk_proves_before_and_after_a_rotation_without_a_restart(connection, database_url, tmp_path):
    keys = [KEY]
    desk = LogWork(database_url, "giessen", lambda: tuple(keys), Mock(Reconciler))

    async def bundle(name: str) -> Path:
        download = await desk.export(Caller(), "", EVERYTHING, "bundle")
        path = tmp_path / name
        path.write_bytes(b"".join(download.content))
        return path

    with sequencing(database_url) as sequencer:
        append(connection, 2)
        sequencer.sequence()
        cosigned(connection)
        before = await bundle("before.jsonl.gz")
        keys.insert(0, NEW)
        sequencer.use(NEW)
        append(connection, 1)
        sequencer.sequence()
    cosigned(connection)
    after = await bundle("after.jsonl.gz")
    assert verify_bundle(before, log_key=str(KEY.key)).records == 2
    assert verify_bundle(after, log_key=str(NEW.key)).records > 3, "the first proof is recorded, too"
