"""Proof bundles hold, for another implementation too, and no change to them or to the stored log goes unnoticed."""

from __future__ import annotations

import json
import random
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pymerkle
import pytest
from click.testing import CliRunner
from pymerkle.hasher import MerkleHasher

from federation.tlog.checkpoint import Checkpoint, cosign
from federation.tlog.note import COSIGNATURE, Note, read, sign, verifier_key
from federation.tlog.tree import leaf_hash
from node.audit.bundle import BundleMaker
from node.audit.erase import Retention, expire, forget
from node.audit.extent import BundleError
from node.audit.fsck import LogCorrupt, _Check, check_log
from node.audit.grammar import read_filter
from node.audit.verify import BundleInvalid, verify_bundle
from node.cli.main import cli
from tests.integration.audit.conftest import KEY, PRIVATE, sequence
from tests.log import append

WITNESS = verifier_key("fulda.example/witness", COSIGNATURE, PRIVATE)


def cosigned(connection) -> None:
    """A witness cosigns the newest head."""
    size, text = connection.execute("select size, note from log_checkpoint order by size desc limit 1").fetchone()
    note = read(text)
    signed = Note(note.text, (*note.signatures[:1], cosign(note.text, WITNESS, PRIVATE, 1_800_000_000)))
    connection.execute(
        "update log_checkpoint set note = %s, cosigned_at = now(), witness_keys = %s where size = %s",
        (str(signed), json.dumps({"fulda": str(WITNESS)}), size),
    )


def written(connection, path, text=""):
    return BundleMaker(connection, "giessen", KEY).write(path, text, read_filter(text))


@pytest.fixture
def log(connection, database_url):
    """Records of several kinds, over more than one tile."""
    append(connection, 3)
    append(connection, 300, peer="wetzlar", trace_id="a" * 32)
    append(connection, 2, decision="DENY", rules=())
    sequence(database_url)
    append(connection, 5, document="{ things { nodes { name } } }", request_digest=bytes(32), receipt="a.b.c")
    sequence(database_url)
    cosigned(connection)
    return connection


@pytest.mark.parametrize(
    ("text", "records", "complete"),
    [("", 310, True), ("decision:deny", 2, False), ("city:wetzlar", 300, False), ("trace:none", 0, False)],
)
@pytest.mark.parametrize("name", ["b.jsonl", "b.jsonl.gz"])
def test_a_bundle_holds(log, tmp_path, text, records, complete, name):
    assert written(log, tmp_path / name, text).records == records
    found = verify_bundle(tmp_path / name, log_key=str(KEY.key), witness_keys=[str(WITNESS)])
    assert (found.records, found.size, found.head.complete) == (records, 310, complete)
    assert set(found.cosigned) == {"fulda"}


def test_what_is_not_cosigned_yet_is_told(log, database_url, tmp_path):
    append(log, 4)
    sequence(database_url)
    made = written(log, tmp_path / "b.jsonl")
    assert (made.records, made.later, made.size) == (310, 4, 310)


def test_another_implementation_proves_a_record_of_a_bundle(log, tmp_path):
    """docs/log-format.md and pymerkle alone: nothing of ours."""
    path = tmp_path / "b.jsonl"
    written(log, path, "decision:deny")
    head, *lines = [json.loads(line) for line in path.read_text().splitlines()]
    record = next(line for line in lines if "position" in line)
    canonical = json.dumps(record["entry"], sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    kinds = [
        json.dumps(line["kind"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        for line in lines
        if "kind" in line
    ]
    assert record["entry"]["kind"] in {sha256(kind.encode()).hexdigest() for kind in kinds}
    personal = {name: record["personal"][name] for name in ("subject", "token_id")}
    text = json.dumps(personal, sort_keys=True, separators=(",", ":")).encode()
    assert record["entry"]["personal"] == sha256(bytes.fromhex(record["personal"]["salt"]) + text).hexdigest()
    size, root = int(head["checkpoint"].split("\n")[1]), b64decode(head["checkpoint"].split("\n")[2])
    leaf = MerkleHasher("sha256", security=True).hash_buff(canonical)
    path_ = [leaf, *(b64decode(hash_) for hash_ in record["proof"])]
    rule, at, last = [], record["position"], size - 1
    for _ in record["proof"]:  # which side each hash stands on, as RFC 9162 2.1.3.2 has it
        right = not (at & 1 or at == last)
        rule.append(0 if right else 1)
        while not right and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    folded = path_[0]
    hasher = MerkleHasher("sha256", security=True)
    for side, hash_ in zip(rule, path_[1:], strict=True):
        folded = hasher.hash_pair(folded, hash_) if side == 0 else hasher.hash_pair(hash_, folded)
    assert folded == root
    assert isinstance(pymerkle.InmemoryTree(algorithm="sha256"), pymerkle.BaseMerkleTree)


def test_no_byte_of_a_bundle_can_be_changed(log, tmp_path):
    path = tmp_path / "b.jsonl"
    written(log, path, "-city:wetzlar")
    assert verify_bundle(path).records == 10
    content = path.read_bytes()
    chosen = random.Random(5)
    places = {0, len(content) - 1, *(chosen.randrange(len(content)) for _ in range(400))}
    for at in places:
        changed = bytearray(content)
        changed[at] ^= 1 << chosen.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(BundleInvalid):
            verify_bundle(path)
    for cut in (1, 100, len(content) // 2):
        path.write_bytes(content[:-cut])
        with pytest.raises(BundleInvalid):
            verify_bundle(path)


def test_the_first_wrong_record_is_named(log, tmp_path):
    path = tmp_path / "b.jsonl"
    written(log, path)
    assert verify_bundle(path).records == 310
    lines = path.read_bytes().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith(b'{"position":7,'))
    for changed in (
        [*lines[:at], lines[at].replace(b'"rows":1', b'"rows":0'), *lines[at + 1 :]],
        [*lines[:at], lines[at].replace(b'"token-1"', b'"token-2"'), *lines[at + 1 :]],
        [*lines[:at], *lines[at + 1 :]],
        [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]],
    ):
        path.write_bytes(b"".join(changed))
        with pytest.raises(BundleInvalid) as caught:
            verify_bundle(path)
        assert caught.value.position in {7, 8}
    path.write_bytes(b"".join([*lines[: at + 1], lines[at], *lines[at + 1 :]]))
    with pytest.raises(BundleInvalid, match="wrong place"):
        verify_bundle(path)


def resealed(lines: list[bytes]) -> bytes:
    """The lines with a seal of the log's key, as the log's own city could make it."""
    body = b"".join(lines)
    digest = b64encode(sha256(body).digest()).decode()
    text = f"verbund-log-bundle/1\n{KEY.key.name}\n{len(lines)}\n{digest}\n"
    return body + json.dumps({"seal": str(sign(text, KEY.key, KEY.private))}).encode() + b"\n"


def test_the_citys_own_key_does_not_help_to_change_a_bundle(log, tmp_path):
    path = tmp_path / "b.jsonl"
    written(log, path)
    *lines, _ = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(resealed(lines))
    assert verify_bundle(path).records == 310, "the seal is made as it should be"
    head = json.loads(lines[0])
    at = next(number for number, line in enumerate(lines) if line.startswith(b'{"position":309,'))
    fewer = json.dumps(head | {"records": 309}).encode() + b"\n"
    last = json.dumps(head | {"records": 309, "last": 308}).encode() + b"\n"
    other = Checkpoint(KEY.key.name, 310, sha256(b"another tree").digest())
    fork = json.dumps(head | {"checkpoint": str(sign(other.text(), KEY.key, KEY.private))}).encode() + b"\n"
    forged = lines[at].replace(b'"position":309', b'"position":310')
    for changed, reason in (
        ([lines[0], *lines[1:at], lines[at].replace(b'"rows":1', b'"rows":0')], "not in the tree"),
        ([fewer, *lines[1 : at - 1], *lines[at:]], "left out"),
        ([fewer, *lines[1:at]], "should have"),
        ([lines[0], *lines[1:], forged], "wrong place"),
        ([json.dumps(head | {"records": 311, "last": 310}).encode() + b"\n", *lines[1:], forged], "not in the tree"),
        ([fork, *lines[1:]], "0 cosignatures of 1"),
    ):
        path.write_bytes(resealed(changed))
        with pytest.raises(BundleInvalid, match=reason):
            verify_bundle(path)
    path.write_bytes(resealed([last, *lines[1:at]]))
    shorter = verify_bundle(path)
    assert (shorter.records, shorter.head.last) == (309, 308), "a bundle of less is one of less, and says so"


def test_what_is_left_out_of_a_bundle_was_erased_by_an_act_in_the_log(log, tmp_path):
    path = tmp_path / "b.jsonl"
    written(log, path)
    *lines, _ = path.read_bytes().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith(b'{"position":7,'))
    record, head = json.loads(lines[at]), json.loads(lines[0])
    fewer = json.dumps(head | {"records": 309}).encode() + b"\n"
    leaf = leaf_hash(lines[at][lines[at].index(b'"entry":') + 8 : lines[at].index(b',"personal":{')])
    bare = {"position": 7, "leaf": b64encode(leaf).decode(), "proof": record["proof"]}
    for changed, reason in (
        ([fewer, *lines[1:at], json.dumps(bare).encode() + b"\n", *lines[at + 1 :]], "no act of erasing names it"),
        (
            [*lines[:at], re.sub(rb'"personal":\{.*?\}', b'"personal":null', lines[at]), *lines[at + 1 :]],
            "no act of forgetting names them",
        ),
    ):
        path.write_bytes(resealed(changed))
        with pytest.raises(BundleInvalid, match=reason) as caught:
            verify_bundle(path)
        assert caught.value.position == 7


@pytest.fixture
def days(connection, database_url):
    """A record of each of the days from 1 to 9 November, the 5th excepted; one of the 8th was written before its time."""
    for day in (1, 2, 3, 4, 6, 8, 7, 9):
        append(connection, 1, at=datetime(2026, 11, day, 12, tzinfo=UTC))
    sequence(database_url)
    cosigned(connection)
    return connection


@pytest.mark.parametrize(
    ("text", "records", "first", "last", "unproven"),
    [
        ("", 8, 0, 7, ["ends with the tree"]),
        ("after:2026-11-03", 6, 1, 7, ["ends with the tree"]),
        ("before:2026-11-03", 2, 0, 2, []),
        ("after:2026-11-02 before:2026-11-05", 3, 0, 4, []),
        ("after:2026-11-05 before:2026-11-06", 0, 3, 4, []),
        ("after:2026-11-07 before:2026-11-08", 1, 4, 7, []),
        ("after:2026-11-08 before:2026-11-09", 1, 4, 7, []),
        ("after:2026-11-09 before:2026-11-10", 1, 6, 7, []),
        ("before:2026-11-01", 0, 0, 0, []),
        ("after:2030-01-01", 0, 7, 7, ["ends with the tree"]),
    ],
)
def test_a_bundle_of_a_period_shows_where_it_begins_and_ends(days, tmp_path, text, records, first, last, unproven):
    path = tmp_path / "b.jsonl"
    written(days, path, text)
    found = verify_bundle(path)
    assert (found.records, found.head.first, found.head.last) == (records, first, last)
    assert len(found.unproven) == len(unproven)
    assert all(part in told for part, told in zip(unproven, found.unproven, strict=True))


def test_a_period_that_was_cut_short_is_told(days, tmp_path):
    path = tmp_path / "b.jsonl"
    written(days, path, "after:2026-11-02 before:2026-11-05")
    head, operation, kind, *records, _ = path.read_bytes().splitlines(keepends=True)
    for first, last, told in ((1, 4, "what is before position 1"), (0, 3, "what is behind position 3")):
        count = sum(b'"entry"' in line for line in records[first : last + 1])
        changed = json.dumps(json.loads(head) | {"first": first, "last": last, "records": count}).encode() + b"\n"
        if first:  # the maker shortens later proofs by what earlier ones have shown
            continue
        path.write_bytes(resealed([changed, operation, kind, *records[first : last + 1]]))
        [unproven] = verify_bundle(path).unproven
        assert told in unproven
    empty = json.dumps(json.loads(head) | {"first": 0, "last": -1, "records": 0}).encode() + b"\n"
    path.write_bytes(resealed([empty]))
    [unproven] = verify_bundle(path).unproven
    assert "what is behind position -1" in unproven


def test_what_was_erased_of_a_period_comes_with_the_act(days, database_url, tmp_path):
    path = tmp_path / "b.jsonl"
    november_5 = datetime(2026, 11, 5, tzinfo=UTC)
    assert forget(days, "giessen", "", read_filter("after:2026-11-06 before:2026-11-07"), "objection") == 1
    assert expire(days, "giessen", Retention(timedelta(2), timedelta(2)), november_5) == 2
    sequence(database_url)
    with pytest.raises(BundleError, match="erased just now"):
        written(days, path, "before:2026-11-07")
    cosigned(days)
    written(days, path, "before:2026-11-07")
    found = verify_bundle(path)
    assert (found.records, found.erased, found.forgotten) == (3, 0, 1)
    assert ["before position 2" in told for told in found.unproven] == [True], "what is there no more shows no time"
    written(days, path, "city:fulda before:2026-11-07")
    found = verify_bundle(path)
    assert (found.records, found.erased, found.forgotten, found.unproven) == (3, 0, 1, [])


@pytest.mark.parametrize(("text", "records"), [("after:2026-11-07T18:00", 3), ("before:2026-11-10", 2)])
def test_a_record_that_was_erased_in_between_is_a_leaf_that_the_act_names(days, database_url, tmp_path, text, records):
    path = tmp_path / "b.jsonl"
    november_9 = datetime(2026, 11, 9, 13, tzinfo=UTC)
    assert expire(days, "giessen", Retention(timedelta(2), timedelta(2)), november_9) == 6
    sequence(database_url)
    cosigned(days)
    written(days, path, text)
    found = verify_bundle(path)
    assert (found.records, found.erased, found.head.first) == (records, 1, 5)
    assert b'"positions":"0-4,6-6"' in path.read_bytes()


def test_a_damaged_file_is_no_failure_of_ours(log, tmp_path):
    path = tmp_path / "b.jsonl.gz"
    written(log, path, "-city:wetzlar")
    content = path.read_bytes()
    for at in range(40, len(content) - 8, 41):
        changed = bytearray(content)
        changed[at] ^= 0x55
        path.write_bytes(changed)
        with pytest.raises(BundleInvalid):
            verify_bundle(path)


@pytest.mark.parametrize("part", ['"kind":[]', '"kind":{}', '"at":7', '"rows":null', '"rows":1,"rows":1', '"x":1'])
def test_an_entry_of_another_form_is_refused(log, tmp_path, part):
    path = tmp_path / "b.jsonl"
    written(log, path, "decision:deny")
    *lines, _ = path.read_bytes().splitlines(keepends=True)
    name = part.split(":")[0].encode()
    changed = re.sub(name + rb':("[^"]*"|\d+),', part.encode() + b",", lines[-1], count=1)
    path.write_bytes(
        resealed([*lines[:-1], changed if changed != lines[-1] else changed.replace(b'"v":1', b'"v":1,"x":1')])
    )
    with pytest.raises(BundleInvalid, match="the entry is"):
        verify_bundle(path)


def test_a_witness_counts_once_and_more_than_half_of_those_that_are_trusted_are_needed(log, tmp_path):
    path = tmp_path / "b.jsonl"
    written(log, path)
    head, *lines = path.read_bytes().splitlines(keepends=True)[:-1]
    twice = {"witness_keys": {"fulda": str(WITNESS), "wetzlar": str(WITNESS)}, "quorum": 2}
    path.write_bytes(resealed([json.dumps(json.loads(head) | twice).encode() + b"\n", *lines]))
    with pytest.raises(BundleInvalid, match="1 cosignatures of 2"):
        verify_bundle(path, witness_keys=[str(WITNESS)])
    written(log, path)
    others = [str(verifier_key(f"{city}.example/witness", COSIGNATURE, PRIVATE)) for city in ("wetzlar", "offenbach")]
    assert verify_bundle(path, witness_keys=[str(WITNESS)]).head.quorum == 1
    with pytest.raises(BundleInvalid, match="1 cosignatures of 2"):
        verify_bundle(path, witness_keys=[str(WITNESS), *others])


def test_other_keys_than_the_trusted_ones_are_refused(log, tmp_path):
    path = tmp_path / "b.jsonl"
    written(log, path)
    assert verify_bundle(path).records == 310
    with pytest.raises(BundleInvalid, match="another log"):
        verify_bundle(path, log_key=str(verifier_key("gotham.example/log", 1, PRIVATE)))
    with pytest.raises(BundleInvalid, match="0 cosignatures of 1"):
        verify_bundle(path, witness_keys=[str(verifier_key("gotham.example/witness", COSIGNATURE, PRIVATE))])


def test_a_bundle_that_wants_no_witness_does_not_hold_for_whoever_names_one(log, tmp_path):
    path = tmp_path / "b.jsonl"
    written(log, path)
    head, *lines = path.read_bytes().splitlines(keepends=True)[:-1]
    alone = json.dumps(json.loads(head) | {"quorum": 0, "witness_keys": {}}).encode() + b"\n"
    path.write_bytes(resealed([alone, *lines]))
    assert verify_bundle(path).cosigned == {}
    with pytest.raises(BundleInvalid, match="0 cosignatures of 1"):
        verify_bundle(path, witness_keys=[str(WITNESS)])


def test_a_key_that_is_none_is_a_mistake_of_who_names_it(log, tmp_path):
    path = tmp_path / "b.jsonl"
    written(log, path)
    for option, key, told in (
        ("--log-key", "foo", "not a verifier key: name+id+key is expected"),
        ("--log-key", str(WITNESS), "is no key of a log"),
        ("--witness-key", str(KEY.key), "is no key of a witness"),
    ):
        done = CliRunner().invoke(cli, ["audit", "verify", str(path), option, key])
        assert done.exit_code == 2
        assert option in done.output
        assert told in " ".join(done.output.split())
    trusted = ["--log-key", str(KEY.key), "--witness-key", str(WITNESS)]
    assert CliRunner().invoke(cli, ["audit", "verify", str(path), *trusted]).exit_code == 0


def test_a_log_as_it_should_be_holds(log):
    checked = check_log(log, KEY.key)
    assert (checked.size, checked.records, checked.heads, checked.pending) == (310, 310, 2, 0)
    append(log, 2)
    assert check_log(log, KEY.key).pending == 2


CHANGES = [
    "update access_record set rows = rows + 1 where id = 150",
    "update access_record set bytes = 0 where id = 150",
    "update access_record set at = at + interval '1 microsecond' where id = 150",
    "update access_record set took_us = 1 where id = 150",
    "update access_record set trace_id = 'b' where id = 150",
    "update access_record set token_id = null where id = 150",
    "update access_record set subject = 'x' where id = 150",
    "update access_record set salt = null where id = 150",
    "update access_record set salt = set_byte(salt, 3, 255 - get_byte(salt, 3)) where id = 150",
    "update access_record set leaf = set_byte(leaf, 3, 255 - get_byte(leaf, 3)) where id = 150",
    "update access_record set request_digest = null where id = 308",
    "update access_record set receipt = 'a.b.d' where id = 308",
    "update access_record set response_digest = 'x' where id = 150",
    "update access_record set kind = (select id from access_kind where decision = 'DENY') where id = 150",
    "update access_record set id = 9000 where id = 150",
    "delete from access_record where id = 150",
    "delete from access_record where id >= 300",
    "update access_kind set decision = 'PERMIT' where decision = 'DENY'",
    "update access_kind set datasets = '{}'",
    "update access_kind set application = application || 'x'",
    "update access_kind set purpose = null",
    "delete from access_kind where decision = 'DENY'",
    "update operation set document = document || ' '",
    "update log_run set record_id = record_id + 1 where position = 305",
    "update log_run set length = length - 1 where position = 305",
    "delete from log_run where position = 305",
    "update log_tile set hashes = set_byte(hashes, 3, 255 - get_byte(hashes, 3)) where level = 0 and index = 0",
    "update log_tile set hashes = set_byte(hashes, 3, 255 - get_byte(hashes, 3)) where level = 1",
    "update log_tile set hashes = substr(hashes, 1, 32) where level = 0 and index = 1",
    "delete from log_tile where level = 0 and index = 1",
    "delete from log_tile where level = 1",
    "update log_checkpoint set root = sha256('') where size = 305",
    "update log_checkpoint set note = replace(note, '305', '306') where size = 305",
    "update log_checkpoint set size = 309 where size = 310",
    "delete from log_checkpoint",
    "delete from log_checkpoint where size = 310",
    'update access_record set salt = null, personal = sha256(salt || convert_to(\'{"subject":null,"token_id":"token-1"}\', \'UTF8\')) where id = 150',
    "update access_day set requests = requests - 1",
    "update access_day set rows = 0",
    "delete from access_day",
    "insert into access_day select day - 1, kind, requests, rows, bytes from access_day limit 1",
    "update access_month set requests = requests - 1",
    "delete from access_month",
    "insert into access_month select month - 31, kind, requests, rows, bytes from access_month limit 1",
    (
        "insert into access_record (id, at, kind, rows, bytes, took_us, trace_id, salt, leaf) overriding system value select"
        " 0, at, kind, rows, bytes, took_us, trace_id, salt, leaf from access_record where id = 5"
    ),
    (
        "update access_record set id = 0 where id = 1; update access_record set id = 1 where id = 2;"
        "update access_record set id = 2 where id = 0"
    ),
]


def test_every_change_of_the_stored_log_is_found(log):
    unnoticed = []
    for change in CHANGES:
        with log.transaction(force_rollback=True):
            log.execute("alter table access_record alter id set generated by default")
            log.execute("set local session_replication_role = replica")  # as somebody with all rights would do it
            for statement in change.split(";"):
                log.execute(statement)
            try:
                _Check(log, KEY.key).run()
                unnoticed.append(change)
            except LogCorrupt:
                pass
    assert unnoticed == []
    assert check_log(log, KEY.key).records == 310, "and without a change it holds"


def test_an_act_of_erasing_is_no_pretext_for_what_comes_after_it(log, database_url):
    append(log, action="operator:log:erase", positions="0-1,150-9999")
    sequence(database_url)
    with pytest.raises(LogCorrupt, match="the act at position 310 names positions that do not come before it"):
        check_log(log, KEY.key)


def test_acts_of_forgetting_are_no_pretext_for_removing(log, database_url):
    append(log, action="operator:log:forget", positions="0-309")
    sequence(database_url)
    log.execute("set session_replication_role = replica")
    log.execute("delete from access_record where id = 150")
    log.execute("set session_replication_role = origin")
    with pytest.raises(LogCorrupt, match="position 149 was removed"):
        check_log(log, KEY.key)


def test_documents_that_are_gone_are_told(log):
    assert check_log(log, KEY.key).undocumented == 0
    log.execute("set session_replication_role = replica")
    log.execute("delete from operation where document like '%things%'")
    log.execute("set session_replication_role = origin")
    assert check_log(log, KEY.key).undocumented == 1
