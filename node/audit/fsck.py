"""Check the whole stored log: every record, every tile, every head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL

from federation.tlog.checkpoint import open_checkpoint
from federation.tlog.note import NoteError, VerifierKey
from federation.tlog.tree import HASH_BYTES
from node.audit.erase import ERASING, FORGETTING
from node.audit.forest import stored_tree
from node.audit.positions import Range, first_unnamed, read_ranges
from node.audit.stored import StoredKind, StoredRecord, read_kinds, read_records
from node.audit.tiles import Edge, TileMissing

Connection = psycopg.Connection[Any]
_COUNTS = """
with counted as (
    select (at at time zone 'UTC')::date as day, kind, count(*) as requests, sum(rows) as rows, sum(bytes) as bytes
      from access_record where id <= %s group by 1, 2),
months as (
    select date_trunc('month', day)::date as month, kind, sum(requests) as requests, sum(rows) as rows,
           sum(bytes) as bytes
      from access_day group by 1, 2)
select (select min(day) from access_day d full join counted c using (day, kind)
         where d.day is null or (d.requests, d.rows, d.bytes) is distinct from (c.requests, c.rows, c.bytes)
           and (%s = 0 or d.requests < c.requests or d.rows < c.rows or d.bytes < c.bytes)),
       (select min(month) from access_month a full join months m using (month, kind)
         where (a.requests, a.rows, a.bytes) is distinct from (m.requests, m.rows, m.bytes)),
       (select coalesce(sum(requests), 0) from access_day)
"""


class LogCorrupt(Exception):
    """The stored log does not hold. The text names the first wrong record, tile or head."""


@dataclass(slots=True)
class Checked:
    """What was checked. `pending` records have no position yet.

    Of `erased` records only the leaves are left, of `forgotten` ones all but the personal parts. `undocumented`:
    operations whose document is not kept, which is right for long ones alone.
    """

    size: int = 0
    records: int = 0
    erased: int = 0
    forgotten: int = 0
    undocumented: int = 0
    heads: int = 0
    pending: int = 0


def check_log(connection: Connection, *keys: VerifierKey) -> Checked:
    """Check the log in one snapshot of the database. `keys`: all that the log has had.

    Raises:
        LogCorrupt: something was changed, removed, inserted, or put in another order.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        return _Check(connection, *keys).run()


class _Check:
    def __init__(self, connection: Connection, *keys: VerifierKey) -> None:
        self._connection = connection
        self._keys = keys
        self._checked = Checked()
        self._tree = stored_tree(connection)
        self._edge = Edge()
        self._kinds: dict[UUID, StoredKind] = {}
        self._forgotten: list[int] = []
        self._acts: dict[str, list[Range]] = {ERASING: [], FORGETTING: []}

    def run(self) -> Checked:
        self._kinds = self._checked_kinds()
        runs = self._connection.execute("select position, record_id, length from log_run order by position").fetchall()
        heads = self._heads()
        head = next(heads, None)
        missing: list[int] = []
        records = read_records(self._connection, SQL("true").format())
        record = next(records, None)
        after, newest = 0, 0
        for position, first, length in runs:
            if position != self._edge.size or first <= after:
                raise LogCorrupt(
                    f"the run at position {position} does not follow the one before: the order was changed"
                )
            for id_ in range(first, first + length):
                if record is not None and record.id < id_:
                    raise LogCorrupt(f"record {record.id} is not in the tree: it was inserted later")
                if record is not None and record.id == id_:
                    self._record(record)
                    record = next(records, None)
                else:
                    missing.append(self._edge.size)
                self._append()
                while head is not None and head[0] == self._edge.size:
                    self._head(head)
                    newest, head = head[0], next(heads, None)
            after = first + length - 1
        for rest in [record, *records] if record is not None else []:
            if rest.id <= after:
                raise LogCorrupt(f"record {rest.id} is not in the tree: it was inserted later")
            if self._leaf(rest) != rest.leaf:
                raise LogCorrupt(f"record {rest.id}, not in the tree yet, was changed")
            self._checked.pending += 1
        if head is not None:
            raise LogCorrupt(f"a head is of {head[0]} leaves, and the tree has {self._edge.size}: leaves were removed")
        if newest != self._edge.size:
            raise LogCorrupt(f"no head is of all {self._edge.size} leaves: the newest one was removed")
        self._tiles()
        self._named(missing, ERASING, "was removed, and no record of erasing names it")
        self._named(self._forgotten, FORGETTING, "has lost its personal parts, and no record of forgetting names it")
        self._checked.size, self._checked.erased = self._edge.size, len(missing)
        self._checked.forgotten = len(self._forgotten)
        self._counts(after)
        return self._checked

    def _checked_kinds(self) -> dict[UUID, StoredKind]:
        kinds = read_kinds(self._connection)
        for id_, kind in kinds.items():
            if id_.hex != kind.digest[:32]:
                raise LogCorrupt(f"the kind {id_} of records was changed")
        undocumented = {kind.operation for kind in kinds.values()}
        for digest, document in self._connection.execute("select digest, document from operation"):
            if sha256(document.encode()).digest() != digest:
                raise LogCorrupt(f"the document {digest.hex()} was changed")
            undocumented.discard(digest)
        self._checked.undocumented = len(undocumented)
        return kinds

    def _record(self, record: StoredRecord) -> None:
        position = self._edge.size
        try:
            stored = self._tree.leaf(position)
        except TileMissing as error:
            raise LogCorrupt(f"position {position}: {error}") from None
        if not self._leaf(record) == record.leaf == stored:
            raise LogCorrupt(f"the record at position {position} (id {record.id}) was changed")
        kind = self._kinds[record.kind]
        if record.salt is None:
            self._forgotten.append(position)
        if kind.positions and kind.action in self._acts:
            named = read_ranges(kind.positions)
            if not all(first <= last < position for first, last in named):
                raise LogCorrupt(f"the act at position {position} names positions that do not come before it")
            self._acts[kind.action] += named
        self._checked.records += 1

    def _leaf(self, record: StoredRecord) -> bytes:
        kind = self._kinds.get(record.kind)
        if kind is None:
            raise LogCorrupt(f"the kind of record {record.id} is missing")
        return record.computed_leaf(kind)

    def _append(self) -> None:
        try:
            self._edge.append(self._tree.leaf(self._edge.size))
        except TileMissing as error:
            raise LogCorrupt(f"position {self._edge.size}: {error}") from None
        if self._edge.size % 256 == 0:
            self._tiles()

    def _tiles(self) -> None:
        """The tiles that have changed are as they are stored."""
        for (level, index), tile in self._edge.changed():
            for at in range(len(tile) // HASH_BYTES):
                try:
                    same = self._tree.node(level * 8, index * 256 + at) == tile[at * HASH_BYTES : (at + 1) * HASH_BYTES]
                except TileMissing:
                    same = False
                if not same:
                    raise LogCorrupt(f"tile {index} of level {level} was changed at hash {at}")

    def _heads(self) -> Iterator[tuple[int, bytes, str]]:
        with psycopg.ServerCursor(self._connection, "heads") as cursor:
            yield from cursor.execute("select size, root, note from log_checkpoint order by size", binary=True)

    def _head(self, head: tuple[int, bytes, str]) -> None:
        size, root, text = head
        try:
            signed, _ = open_checkpoint(text, *self._keys)
        except NoteError as error:
            raise LogCorrupt(f"the head of {size} leaves does not hold: {error}") from None
        if (signed.size, signed.root) != (size, root) or root != self._edge.root():
            raise LogCorrupt(f"the head of {size} leaves is not that of the stored leaves")
        self._checked.heads += 1

    def _named(self, positions: list[int], action: str, reason: str) -> None:
        """All these positions are named by acts of this kind."""
        unnamed = first_unnamed(positions, self._acts[action])
        if unnamed is not None:
            raise LogCorrupt(f"the record at position {unnamed} {reason}")

    def _counts(self, last: int) -> None:
        """The counts are those of the records up to the `last`; of those that were erased they may tell more."""
        row = self._connection.execute(_COUNTS, (last, self._checked.erased)).fetchone()
        assert row is not None
        day, month, requests = row
        if day is not None:
            raise LogCorrupt(f"the counts of {day} are not those of its records")
        if month is not None:
            raise LogCorrupt(f"the counts of {month:%Y-%m} are not those of its days")
        if requests != self._edge.size:
            raise LogCorrupt(f"{requests} records are counted, and the tree has {self._edge.size} leaves")
