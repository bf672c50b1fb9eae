"""The sequencer: gives records their place in the tree, and signs tree heads.

One at a time, however many workers and replicas a node has: whoever holds the advisory lock. The lock belongs to the
connection that writes, so who has lost it can't write either. A record has its canonical bytes and the hash of its leaf
since it was appended; here it gets its position. One transaction for positions, tiles, counts and tree head.

Ids come from a sequence, and a transaction may commit its ids late. Who writes records holds a lock shared; the
sequencer takes it alone for a moment, and then knows that no lower id is still to come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from federation.log_keys import NamedKey
from federation.tlog.checkpoint import Checkpoint
from federation.tlog.note import VerifierKey, is_signed, read, sign
from node.audit.statements import WRITING
from node.audit.tiles import Edge, TileName, edge_names

SEQUENCING = 0x564C4F48  # advisory lock
BATCH = 20_000
BARRIER_MS = 500
KEPT_HOURS = 1  # tree heads that nobody cosigned, once a later one is

Connection = psycopg.Connection[tuple[Any, ...]]

_RUN = "insert into log_run (position, record_id, length) values (%s, %s, %s)"
_TILE = (
    "insert into log_tile (level, index, hashes) values (%s, %s, %s)"
    " on conflict (level, index) do update set hashes = excluded.hashes"
)
_COUNTS = """
with counted as materialized (
    select (at at time zone 'UTC')::date as day, kind, count(*) as requests, sum(rows) as rows, sum(bytes) as bytes
      from access_record where id > %s and id <= %s group by 1, 2),
months as (
    insert into access_month (month, kind, requests, rows, bytes)
    select date_trunc('month', day)::date, kind, sum(requests), sum(rows), sum(bytes) from counted group by 1, 2
        on conflict (month, kind) do update
       set requests = access_month.requests + excluded.requests, rows = access_month.rows + excluded.rows,
           bytes = access_month.bytes + excluded.bytes)
insert into access_day (day, kind, requests, rows, bytes) select * from counted
    on conflict (day, kind) do update
   set requests = access_day.requests + excluded.requests, rows = access_day.rows + excluded.rows,
       bytes = access_day.bytes + excluded.bytes
"""
# Without a cosigned head the times are null, and nothing is looked at.
_FORGET = """
with cosigned as materialized (
    select size, least(at, now() - make_interval(hours => %s)) as at from log_checkpoint
     where cosigned_at is not null order by size desc limit 1)
delete from log_checkpoint
 where cosigned_at is null and at < (select at from cosigned) and size < (select size from cosigned)
"""


class Sequencer:
    """Works on a connection of its own, in autocommit; `try_lock` first."""

    def __init__(self, connection: Connection, key: NamedKey) -> None:
        self._connection = connection
        self.key = key
        self._edge = Edge()
        self._last = 0  # the last record that has a position
        self._newest: VerifierKey | None = None  # the key that the newest head is known to be signed with

    def try_lock(self) -> bool:
        """Become the sequencer, unless another one is; the lock ends with the connection."""
        row = _one(self._connection, "select pg_try_advisory_lock(%s)", SEQUENCING)
        if row[0]:
            self._edge, self._last = load_edge(self._connection)
        return bool(row[0])

    def use(self, key: NamedKey) -> None:
        """Sign with this key from now on. The newest head is signed anew if it was another's, and cosigned anew.

        Raises:
            psycopg.Error: nothing has changed.
        """
        if key.key == self._newest:
            return
        found = self._connection.execute(
            "select size, root, note from log_checkpoint order by size desc limit 1", binary=True
        ).fetchone()
        if found is not None and not is_signed(read(found[2]), key.key):
            note = sign(Checkpoint(key.key.name, found[0], found[1]).text(), key.key, key.private)
            self._connection.execute(
                "update log_checkpoint set note = %s, at = %s, cosigned_at = null, witness_keys = '{}' where size = %s",
                (str(note), datetime.now(UTC), found[0]),
            )
        self.key, self._newest = key, key.key

    def sequence(self) -> int:
        """Give all records that are committed by now their positions; returns how many there were.

        Raises:
            psycopg.Error: nothing was done; LockNotAvailable if a writer took too long, try again.
        """
        end, done = self._resolved(), 0
        while batch := self._batch(end):
            self._write(batch)
            done += len(batch)
        return done

    def _resolved(self) -> int:
        """The id up to which every record is either committed or will never be."""
        with self._connection.transaction():
            self._connection.execute(f"set local lock_timeout = {BARRIER_MS}")
            _one(self._connection, "select pg_advisory_xact_lock(%s)", WRITING)
            row = _one(self._connection, "select coalesce(max(id), 0) from access_record")
        return int(row[0])

    def _batch(self, end: int) -> list[tuple[int, bytes]]:
        query = "select id, leaf from access_record where id > %s and id <= %s order by id limit %s"
        cursor = self._connection.execute(query, (self._last, end, BATCH), binary=True)
        return cursor.fetchall()

    def _write(self, batch: Sequence[tuple[int, bytes]]) -> None:
        before = self._last, self._edge.size
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.executemany(_RUN, list(_runs([id_ for id_, _ in batch], self._edge.size)))
                for _, leaf in batch:
                    self._edge.append(leaf)
                cursor.executemany(_TILE, [(level, index, tile) for (level, index), tile in self._edge.changed()])
                cursor.execute(_COUNTS, (before[0], batch[-1][0]))
                self._sign(cursor)
        except BaseException:
            self._edge, self._last = load_edge(self._connection)  # what memory has may be ahead of what was committed
            raise
        self._last = batch[-1][0]

    def _sign(self, cursor: psycopg.Cursor[Any]) -> None:
        size, root = self._edge.size, self._edge.root()
        head = Checkpoint(self.key.key.name, size, root)
        cursor.execute(
            "insert into log_checkpoint (size, at, root, note) values (%s, %s, %s, %s)",
            (size, datetime.now(UTC), root, str(sign(head.text(), self.key.key, self.key.private))),
        )
        cursor.execute(_FORGET, (KEPT_HOURS,))


def load_edge(connection: Connection) -> tuple[Edge, int]:
    """The right edge of the stored tree, and the last record in it.

    Raises:
        TileMissing: the tree is not whole.
    """
    row = connection.execute(
        "select position + length, record_id + length - 1 from log_run order by position desc limit 1"
    ).fetchone()
    size, last = row or (0, 0)
    tiles = load_tiles(connection, [name for name, _ in edge_names(size)])
    return Edge(size, tiles), last


def load_tiles(connection: Connection, names: Sequence[TileName]) -> dict[TileName, bytes]:
    """The tiles with these names that there are."""
    rows = connection.execute(
        "select level, index, hashes from log_tile"
        " where (level, index) in (select * from unnest(%s::smallint[], %s::bigint[]))",
        ([level for level, _ in names], [index for _, index in names]),
        binary=True,
    )
    return {(level, index): bytes(hashes) for level, index, hashes in rows}


def _runs(ids: Sequence[int], position: int) -> Iterator[tuple[int, int, int]]:
    """Position, first id and length of each run of ids without a gap."""
    first = 0
    for index in range(1, len(ids) + 1):
        if index == len(ids) or ids[index] != ids[index - 1] + 1:
            yield position + first, ids[first], index - first
            first = index


def _one(connection: Connection, query: str, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row
