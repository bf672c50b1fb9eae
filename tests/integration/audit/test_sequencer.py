"""Records get their places in the tree: all of them, once, whoever writes and whatever dies."""

from __future__ import annotations

import json
from hashlib import sha256

import psycopg
import pymerkle
import pytest

from federation.tlog.checkpoint import open_checkpoint
from federation.tlog.tree import span_hash
from node.audit.sequencer import Sequencer, load_tiles
from node.audit.tiles import nodes_in
from tests.integration.audit.conftest import KEY, sequence, sequencing
from tests.log import append

COLUMNS = """
select r.at, r.bytes, r.rows, r.took_us, r.trace_id, r.salt, r.subject, r.token_id, k.* from log_run
  join access_record r on r.id >= record_id and r.id < record_id + length join access_kind k on k.id = r.kind
 order by position + r.id - record_id
"""


def jcs(value) -> bytes:
    """RFC 8785 for what records contain, by Python's own encoder."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def entries(connection) -> list[bytes]:
    """The canonical bytes of all leaves, made from the columns by the text of docs/log-format.md alone."""
    found = []
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        for row in cursor.execute(COLUMNS):
            own = {name: row[name] for name in ("bytes", "rows", "took_us", "trace_id")}
            personal = jcs({"subject": row["subject"], "token_id": row["token_id"]})
            kind = {
                name: value.hex() if isinstance(value, bytes) else value
                for name, value in row.items()
                if name not in {"id", "at", "salt", "subject", "token_id", *own}
            }
            at = row["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            hashes = {"kind": sha256(jcs(kind)).hexdigest(), "personal": sha256(row["salt"] + personal).hexdigest()}
            found.append(jcs({"at": at, **own, **hashes, "receipt": None, "request": None, "response": None, "v": 1}))
    return found


def head(connection):
    size, root, note = connection.execute(
        "select size, root, note from log_checkpoint order by size desc limit 1"
    ).fetchone()
    checkpoint, _ = open_checkpoint(note, KEY.key)
    assert (checkpoint.size, checkpoint.root) == (size, root)
    return checkpoint


def test_the_tree_is_what_another_implementation_makes_of_the_columns(connection, database_url):
    for batch, count in enumerate((1, 2, 300, 257)):
        append(connection, count, trace_id=f"{batch:032x}", rules=('ü\n"\\\x01', "b"))
        assert sequence(database_url) == count
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries(connection):
        other.append_entry(entry)
    assert head(connection).size == 560
    assert head(connection).root == other.get_root()
    sizes = [row[0] for row in connection.execute("select size from log_checkpoint order by size")]
    assert sizes == [1, 3, 303, 560]
    tiles = {(0, 0), (0, 1), (0, 2), (1, 0)}
    nodes = nodes_in(load_tiles(connection, list(tiles)))
    for size, root in connection.execute("select size, root from log_checkpoint"):
        assert span_hash((0, size), nodes) == root == other.get_root(size)


def test_a_record_that_is_committed_late_is_not_forgotten(connection, database_url):
    append(connection)
    with psycopg.connect(database_url) as late, sequencing(database_url) as sequencer:
        late.execute("select 1")  # opens a transaction
        append(late)  # has its id, and is not committed
        with pytest.raises(psycopg.errors.LockNotAvailable):
            sequencer.sequence()
        late.commit()
        append(connection)
        assert sequencer.sequence() == 3
        assert sequencer.sequence() == 0


def test_what_is_rolled_back_leaves_a_gap_of_ids_and_none_in_the_tree(connection, database_url):
    append(connection)
    with psycopg.connect(database_url) as other:
        other.execute("select 1")  # opens a transaction
        append(other, 3)
        other.rollback()
    append(connection, 2)
    assert sequence(database_url) == 3
    assert connection.execute("select * from log_run order by position").fetchall() == [(0, 1, 1), (1, 5, 2)]


def test_there_is_one_sequencer_and_the_next_goes_on_where_it_ended(connection, database_url):
    append(connection, 300)
    with sequencing(database_url) as first:
        assert not Sequencer(connection, KEY).try_lock()
        first.sequence()
        append(connection, 10)
    with sequencing(database_url) as second:
        assert second.sequence() == 10
    assert head(connection).size == 310


def test_days_are_counted_with_the_records(connection, database_url):
    append(connection, 3, rows=7)
    append(connection, 2, rows=1, decision="DENY")
    sequence(database_url)
    append(connection, 1, rows=5)
    sequence(database_url)
    counted = "select decision, requests, d.rows from access_day d join access_kind k on k.id = d.kind order by 1"
    assert connection.execute(counted).fetchall() == [("DENY", 2, 2), ("PERMIT", 4, 26)]


def test_a_tile_only_grows(connection, database_url):
    append(connection, 2)
    sequence(database_url)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only grows"):
        connection.execute("update log_tile set hashes = sha256('') || sha256('')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        connection.execute("delete from log_tile")
