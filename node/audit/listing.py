"""List access records for auditors at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.store.tables import access_record as record

SHOWN = (
    "at", "trace_id", "role", "counterpart", "caller_city", "application", "purpose", "action", "field", "datasets",
    "decision", "rules", "policy_version", "state", "rows", "bytes", "took_ms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records; None means any."""

    city: str | None = None
    application: str | None = None
    dataset: str | None = None
    purpose: str | None = None
    decision: str | None = None
    role: str | None = None
    trace: str | None = None
    after: datetime | None = None
    before: datetime | None = None


def list_records(engine: sa.Engine, wanted: RecordFilter, limit: int) -> Iterator[dict[str, Any]]:
    """The newest records first, at most `limit`."""
    query = sa.select(*(record.c[name] for name in SHOWN)).order_by(record.c.id.desc()).limit(limit)
    for condition in _conditions(wanted):
        query = query.where(condition)
    with engine.connect() as connection:
        for row in connection.execute(query):
            yield dict(zip(SHOWN, row, strict=True))


def _conditions(wanted: RecordFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.city is not None:
        yield sa.or_(record.c.caller_city == wanted.city, record.c.counterpart == wanted.city)
    if wanted.dataset is not None:
        yield record.c.datasets.contains([wanted.dataset])
    equal = {
        "application": wanted.application,
        "purpose": wanted.purpose,
        "decision": wanted.decision,
        "role": wanted.role,
        "trace_id": wanted.trace,
    }
    for name, value in equal.items():
        if value is not None:
            yield record.c[name] == value
    if wanted.after is not None:
        yield record.c.at >= wanted.after
    if wanted.before is not None:
        yield record.c.at < wanted.before
