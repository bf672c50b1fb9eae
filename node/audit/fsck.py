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
from node.audit.forest import stored_tree
from node.audit.stored import StoredKind, StoredRecord, read_kinds, read_records
from node.audit.tiles import Edge, TileMissing

Connection = psycopg.Connection[Any]
ERASING = "operator:log:erase"


class LogCorrupt(Exception):
    """The stored log does not hold. The text names the first wrong record, tile or head."""


@dataclass(slots=True)
class Checked:
    """What was checked. `pending` records have no position yet."""

    size: int = 0
    records: int = 0
    erased: int = 0
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

    def run(self) -> Checked:
        self._kinds = self._checked_kinds()
        runs = self._connection.execute("select position, record_id, length from log_run order by position").fetchall()
        heads = self._heads()
        head = next(heads, None)
        missing: list[int] = []
        erased: list[tuple[int, int]] = []
        records = read_records(self._connection, SQL("true").format())
        record = next(records, None)
        after = 0
        for position, first, length in runs:
            if position != self._edge.size or first <= after:
                raise LogCorrupt(
                    f"the run at position {position} does not follow the one before: the order was changed"
                )
            for id_ in range(first, first + length):
                if record is not None and record.id < id_:
                    raise LogCorrupt(f"record {record.id} is not in the tree: it was inserted later")
                if record is not None and record.id == id_:
                    self._record(record, erased)
                    record = next(records, None)
                else:
                    missing.append(self._edge.size)
                self._append()
                while head is not None and head[0] == self._edge.size:
                    self._head(head)
                    head = next(heads, None)
            after = first + length - 1
        for rest in [record, *records] if record is not None else []:
            if rest.id <= after:
                raise LogCorrupt(f"record {rest.id} is not in the tree: it was inserted later")
            if self._leaf(rest) != rest.leaf:
                raise LogCorrupt(f"record {rest.id}, not in the tree yet, was changed")
            self._checked.pending += 1
        if head is not None:
            raise LogCorrupt(f"a head is of {head[0]} leaves, and the tree has {self._edge.size}: leaves were removed")
        self._tiles()
        self._missing(missing, erased)
        self._checked.size = self._edge.size
        return self._checked

    def _checked_kinds(self) -> dict[UUID, StoredKind]:
        kinds = read_kinds(self._connection)
        for id_, kind in kinds.items():
            if id_.hex != kind.digest[:32]:
                raise LogCorrupt(f"the kind {id_} of records was changed")
        for digest, document in self._connection.execute("select digest, document from operation"):
            if sha256(document.encode()).digest() != digest:
                raise LogCorrupt(f"the document {digest.hex()} was changed")
        return kinds

    def _record(self, record: StoredRecord, erased: list[tuple[int, int]]) -> None:
        position = self._edge.size
        try:
            stored = self._tree.leaf(position)
        except TileMissing as error:
            raise LogCorrupt(f"position {position}: {error}") from None
        if not self._leaf(record) == record.leaf == stored:
            raise LogCorrupt(f"the record at position {position} (id {record.id}) was changed")
        kind = self._kinds[record.kind]
        if kind.action == ERASING and kind.positions:
            erased += ranges(kind.positions)
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

    def _missing(self, missing: list[int], erased: list[tuple[int, int]]) -> None:
        erased.sort()
        at = 0
        for position in missing:
            while at < len(erased) and erased[at][1] < position:
                at += 1
            if at == len(erased) or not erased[at][0] <= position:
                raise LogCorrupt(f"the record at position {position} was removed, and no record of erasing names it")
        self._checked.erased = len(missing)


def ranges(text: str) -> list[tuple[int, int]]:
    """Read `first-last,first-last`."""
    pairs = (part.split("-") for part in text.split(","))
    return [(int(first), int(last)) for first, last in pairs]
