"""Find records in the database for the command line, newest first or by their place in the tree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed, Literal

from node.audit.grammar import Filter
from node.store.filters.records import OF_RECORDS, TERMS, excluded, included
from node.store.newest import newest_ids

SHOWN = (
    "position", "at", "trace_id", "role", "counterpart", "caller_city", "application", "subject", "purpose",
    "legal_basis", "action", "field", "fields", "operation", "datasets", "decision", "rules", "policy_version",
    "obligations", "state", "positions", "rows", "bytes", "took_ms", "token_id", "request_digest", "response_digest",
    "receipt", "leaf",
)  # fmt: skip
FETCHED = 2_000

Connection = psycopg.Connection[Any]

_COLUMNS = """
r.id, r.at, r.trace_id, k.role, k.counterpart, k.caller_city, k.application, r.subject, k.purpose, k.legal_basis,
k.action, k.field, k.fields, encode(k.operation, 'hex') as operation, k.datasets, k.decision, k.rules, k.policy_version,
k.obligations, k.state, k.positions, r.rows, r.bytes, r.took_us / 1000.0::float8 as took_ms, r.token_id,
encode(r.request_digest, 'hex') as request_digest, encode(r.response_digest, 'hex') as response_digest,
r.receipt, encode(r.leaf, 'hex') as leaf,
(select case when r.id < record_id + length then position + r.id - record_id end
   from log_run where record_id <= r.id order by record_id desc limit 1) as position
"""


def list_records(connection: Connection, wanted: Filter, limit: int) -> Iterator[dict[str, Any]]:
    """The newest records first, at most `limit`."""
    query = (
        "select {columns} from access_record r join access_kind k on k.id = r.kind where {chosen}"
        " order by r.at desc, r.id limit {limit}"
    )
    on = {name: condition.as_string(connection) for name, condition in conditions(wanted).items()}
    if any(name in OF_RECORDS for name in wanted.terms):
        chosen = f"{on['record']} and {on['kind']}"
    else:
        chosen = f"r.id = any(array({newest_ids(**on, first=str(limit))}))"
    filled = SQL(query).format(columns=SQL(_COLUMNS), chosen=SQL(chosen), limit=Literal(limit))
    with connection.transaction():
        connection.execute("set local jit = off")
        yield from _rows(connection, filled)


def export_records(connection: Connection, wanted: Filter) -> Iterator[dict[str, Any]]:
    """All records that match, in the order in which they were written, without keeping them in memory."""
    query = SQL(
        "select {columns} from access_record r join access_kind k on k.id = r.kind"
        " where {record} and {kind} order by r.id"
    ).format(**conditions(wanted), columns=SQL(_COLUMNS))
    with connection.transaction():
        yield from _rows(connection, query)


def conditions(wanted: Filter) -> dict[str, Composed]:
    """The conditions on the record (`record`, alias r) and on its kind (`kind`, alias k)."""
    on: dict[str, list[Composed]] = {"record": [SQL("true").format()], "kind": [SQL("true").format()]}
    for terms, turned in ((wanted.terms, False), (wanted.without, True)):
        for name, values in terms.items():
            text = excluded(TERMS[name]) if turned else included(name)
            place = "record" if "{t}." in text else "kind"
            on[place].append(SQL(text).format(t=SQL("r"), p=SQL("k"), value=_texts(values)))
    if wanted.after is not None:
        on["record"].append(SQL("r.at >= {}").format(Literal(wanted.after)))
    if wanted.before is not None:
        on["record"].append(SQL("r.at < {}").format(Literal(wanted.before)))
    return {name: SQL(" and ").join(found) for name, found in on.items()}


def _texts(values: list[str]) -> Composed:
    return SQL("{}::text[]").format(Literal(values))


def _rows(connection: Connection, query: Composed) -> Iterator[dict[str, Any]]:
    with connection.cursor(name="records", row_factory=dict_row) as cursor:
        cursor.itersize = FETCHED
        for row in cursor.execute(query):
            yield {name: _in_utc(row[name]) for name in SHOWN}


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
