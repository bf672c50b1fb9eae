"""Stored records, read back: their canonical bytes made anew from the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Composed

from federation.tlog.tree import leaf_hash
from node.audit.canonical import entry_bytes, kind_bytes, personal_digest, time_text

Connection = psycopg.Connection[Any]
FETCHED = 5_000
KIND_FIELDS = (
    "action", "application", "caller_city", "counterpart", "datasets", "decision", "field", "fields", "legal_basis",
    "obligations", "operation", "policy_version", "positions", "purpose", "role", "rules", "state",
)  # fmt: skip
_RECORD = (
    "r.id, r.at, r.kind, r.rows, r.bytes, r.took_us, r.trace_id, r.request_digest, r.response_digest,"
    " r.receipt, r.salt, r.subject, r.token_id, r.personal, r.leaf"
)


@dataclass(frozen=True, slots=True)
class StoredKind:
    """A kind: its canonical bytes, their hash in hex, and what fsck asks it for."""

    content: bytes
    digest: str
    operation: bytes
    action: str
    positions: str | None


class StoredRecord:
    """A row of access_record."""

    __slots__ = (
        "at", "bytes", "id", "kind", "leaf", "personal", "receipt", "request", "response", "rows", "salt", "subject",
        "token_id", "took_us", "trace_id",
    )  # fmt: skip

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.id: int = row[0]
        self.at: datetime = row[1]
        self.kind: UUID = row[2]
        self.rows, self.bytes, self.took_us, self.trace_id = row[3:7]
        self.request, self.response = row[7:9]
        self.receipt: bytes | None = None if row[9] is None else sha256(row[9].encode()).digest()
        self.salt: bytes | None = row[10]
        self.subject: str | None = row[11]
        self.token_id: str | None = row[12]
        self.personal: bytes | None = row[13]
        self.leaf: bytes = row[14]

    def entry(self, kind: StoredKind) -> bytes:
        """The canonical bytes of the entry."""
        if self.salt is not None:
            personal = personal_digest(self.salt, self.subject, self.token_id)
        else:
            personal = (self.personal or b"").hex()
        return entry_bytes(
            at=time_text(self.at.astimezone(UTC)),
            bytes_=self.bytes,
            kind=kind.digest,
            personal=personal,
            receipt=self.receipt,
            request=self.request,
            response=self.response,
            rows=self.rows,
            took_us=self.took_us,
            trace_id=self.trace_id,
        )

    def computed_leaf(self, kind: StoredKind) -> bytes:
        """The hash of the leaf, as the columns make it."""
        return leaf_hash(self.entry(kind))


def read_kinds(connection: Connection, condition: Composed | None = None) -> dict[UUID, StoredKind]:
    """All kinds by id, or those that meet a condition on `k`."""
    query = SQL("select id, {} from access_kind k where {}").format(
        SQL(", ").join(map(SQL, KIND_FIELDS)), condition or SQL("true")
    )
    return {row[0]: _kind(dict(zip(KIND_FIELDS, row[1:], strict=True))) for row in connection.execute(query)}


def read_records(connection: Connection, condition: Composed) -> Iterator[StoredRecord]:
    """The records that meet a condition on `r`, by id, without keeping them in memory. In the caller's transaction."""
    query = SQL("select {} from access_record r where {} order by r.id").format(SQL(_RECORD), condition)
    with psycopg.ServerCursor(connection, "stored") as cursor:
        cursor.itersize = FETCHED
        for row in cursor.execute(query, binary=True):
            yield StoredRecord(row)


def _kind(fields: dict[str, Any]) -> StoredKind:
    content = kind_bytes(**fields)
    return StoredKind(content, sha256(content).hexdigest(), fields["operation"], fields["action"], fields["positions"])
