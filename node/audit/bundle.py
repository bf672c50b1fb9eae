"""Proof bundles: records with what proves them, in one file that can be checked without a node (docs/log-format.md).

JSON Lines: a head, then kinds and operations before the records that name them, records by position, and a seal.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import orjson
import psycopg

from federation.log_keys import NamedKey
from federation.tlog.note import is_signed, read, sign
from federation.tlog.witness import quorum
from node.audit.extent import BundleError, Extent, extent_of
from node.audit.forest import StoredTree, stored_tree
from node.audit.grammar import Filter
from node.audit.proofs import Known, prove
from node.audit.stored import StoredRecord, read_records

FORMAT = "verbund-log-bundle/1"
COMPRESSED = ".gz"

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Made:
    """What was written. `later` records match, but no quorum has cosigned a tree that has them yet."""

    records: int
    size: int
    later: int


class BundleMaker:
    """Makes bundles of one city's log."""

    def __init__(self, connection: Connection, city: str, *keys: NamedKey) -> None:
        """`keys`: those of the log that there are, of which the one that signed the cosigned head seals the bundle."""
        self._connection = connection
        self._city = city
        self._keys = keys

    def write(self, path: Path, text: str, wanted: Filter) -> Made:
        """Write the bundle of all records that match a filter, `text`.

        A filter of times alone gives a complete bundle: every leaf between the first and the last is in it, and these
        are the records beside the period, if there are any. What was erased comes with the acts that did it.

        Raises:
            BundleError: there is no cosigned tree head yet, or none of what was just now erased.
            ProofError, TileMissing: the stored tree is not whole: `verbund audit fsck` says where.
        """
        with self._connection.transaction(), _opened(path) as file:
            self._connection.execute("set transaction isolation level repeatable read read only")
            size, root, note, witnesses = self._head()
            signer = self._signer(note)
            extent = extent_of(self._connection, wanted, size)
            digest = sha256()

            def put(line: Mapping[str, object]) -> None:
                content = orjson.dumps(line) + b"\n"
                digest.update(content)
                file.write(content)

            put(
                {
                    "format": FORMAT,
                    "city": self._city,
                    "filter": text,
                    "complete": wanted.is_period,
                    "first": extent.first,
                    "last": extent.last,
                    "records": extent.records,
                    "log_key": str(signer.key),
                    "witness_keys": witnesses,
                    "quorum": quorum(len(witnesses)),
                    "checkpoint": note,
                }
            )
            lines = 1
            for line in self._lines(extent, Known(size, root)):
                put(line)
                lines += 1
            body = f"{FORMAT}\n{signer.key.name}\n{lines}\n{base64.b64encode(digest.digest()).decode()}\n"
            file.write(orjson.dumps({"seal": str(sign(body, signer.key, signer.private))}) + b"\n")
        return Made(extent.records, size, extent.later)

    def _head(self) -> tuple[int, bytes, str, dict[str, str]]:
        row = self._connection.execute(
            "select size, root, note, witness_keys from log_checkpoint where cosigned_at is not null"
            " order by size desc limit 1"
        ).fetchone()
        if row is None:
            raise BundleError("no tree head is cosigned by a quorum of witnesses yet: run the node, and try again")
        return row[0], bytes(row[1]), row[2], row[3]

    def _signer(self, note: str) -> NamedKey:
        signed = read(note)
        for key in self._keys:
            if is_signed(signed, key.key):
                return key
        raise BundleError("the newest cosigned head is signed with a key that is not there any more: try again soon")

    def _lines(self, extent: Extent, known: Known) -> Iterator[dict[str, object]]:
        tree = stored_tree(self._connection)
        runs = self._connection.execute("select position, record_id, length from log_run order by position").fetchall()
        documents = dict(self._connection.execute("select digest, document from operation"))
        told: set[object] = set()
        expected, behind = extent.first, extent.last + 1 if extent.complete else extent.first
        for position, record in placed(runs, read_records(self._connection, extent.chosen)):
            while expected < min(position, behind):
                yield self._bare(tree, known, expected)
                expected += 1
            kind = extent.kinds[record.kind]
            if kind.operation not in told and kind.operation in documents:
                yield {"operation": kind.operation.hex(), "document": documents[kind.operation]}
            if record.kind not in told:
                yield {"kind": orjson.Fragment(kind.content)}
            told |= {kind.operation, record.kind}
            entry = orjson.Fragment(record.entry(kind))
            proof = _base64(prove(known, position, tree.leaf(position), tree.hash_of))
            if record.id in extent.others:
                yield {"position": position, "other": entry, "proof": proof}
            else:
                yield {"position": position, "entry": entry, "personal": _personal(record), "proof": proof}
            expected = position + 1
        while expected < behind:
            yield self._bare(tree, known, expected)
            expected += 1

    @staticmethod
    def _bare(tree: StoredTree, known: Known, position: int) -> dict[str, object]:
        leaf = tree.leaf(position)
        proof = prove(known, position, leaf, tree.hash_of)
        return {"position": position, "leaf": base64.b64encode(leaf).decode(), "proof": _base64(proof)}


def placed(runs: Sequence[tuple[int, int, int]], records: Iterator[StoredRecord]) -> Iterator[tuple[int, StoredRecord]]:
    """Records by id with their positions; those that have none are left out."""
    at = 0
    for record in records:
        while at < len(runs) and record.id >= runs[at][1] + runs[at][2]:
            at += 1
        if at < len(runs) and record.id >= runs[at][1]:
            yield runs[at][0] + record.id - runs[at][1], record


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "wb", compresslevel=5) if path.suffix == COMPRESSED else path.open("wb")  # type: ignore[return-value]


def _personal(record: StoredRecord) -> dict[str, str | None] | None:
    if record.salt is None:
        return None
    return {"salt": record.salt.hex(), "subject": record.subject, "token_id": record.token_id}


def _base64(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(hash_).decode() for hash_ in hashes]
