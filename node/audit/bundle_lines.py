"""The lines of proof bundles, as they are read (docs/log-format.md)."""

from __future__ import annotations

import msgspec


class Head(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The first line."""

    format: str
    city: str
    filter: str
    complete: bool
    first: int
    last: int
    records: int
    log_key: str
    witness_keys: dict[str, str]
    quorum: int
    checkpoint: str


class Entry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """In the order of the canonical bytes."""

    at: str
    bytes: int
    kind: str
    personal: str
    receipt: str | None
    request: str | None
    response: str | None
    rows: int
    took_us: int
    trace_id: str
    v: int


class Act(msgspec.Struct):
    """Of a kind: what an operator did, and to the records at which positions (`node.audit.positions`)."""

    action: str
    positions: str | None


class Line(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Any other line: a record, what records have in common, or the seal."""

    position: int | None = None
    entry: msgspec.Raw = msgspec.Raw()
    other: msgspec.Raw = msgspec.Raw()
    personal: dict[str, str | None] | None = None
    proof: list[str] | None = None
    leaf: str | None = None
    kind: msgspec.Raw = msgspec.Raw()
    operation: str | None = None
    document: str | None = None
    seal: str | None = None


read_line = msgspec.json.Decoder(Line).decode
read_entry = msgspec.json.Decoder(Entry).decode
canonical = msgspec.json.Encoder().encode
