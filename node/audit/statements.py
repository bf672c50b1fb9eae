"""How records get into the database: the same statements for the node's own log and for the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from node.audit.canonical import Canonical, Kind, Row
from node.audit.record import MAX_DOCUMENT, AccessRecord
from node.store.spending import JUDGED, REFUSED

WRITING = 0x564C4F47  # advisory lock: shared by who writes records, exclusive for a moment by the sequencer

_COLUMNS = (
    "at, kind, rows, bytes, took_us, trace_id, request_digest, response_digest, receipt, salt, subject, token_id, leaf"
)
_VALUES = """
       at, left(kind, 32)::uuid, rows, bytes, took_us, trace_id, decode(request, 'hex'), decode(response, 'hex'),
       signed, decode(salt, 'hex'), subject, token_id, decode(leaf, 'hex')"""
_RECORD = """
       at timestamptz, kind text, rows integer, bytes integer, took_us integer, trace_id text, request text,
       response text, signed text, salt text, subject text, token_id text, leaf text"""
_HELD = f"held as materialized (select pg_advisory_xact_lock_shared({WRITING}))"

RECORDS = f"""
with {_HELD}
insert into access_record ({_COLUMNS})
select {_VALUES}
  from held, json_to_recordset($1) as record ({_RECORD})
"""
SPENDING_RECORDS = f"""
with {_HELD}, {JUDGED}, stored as (
    insert into access_record ({_COLUMNS})
    select {_VALUES}
      from held, json_to_recordset($2) as record (n integer, {_RECORD}) left join judged using (n)
     where n is null or (is_new and not is_revoked)
)
{REFUSED}
"""
"""As RECORDS, of those whose use counts or that rest on none; $1 are the uses, $2 the records (`spending_json`)."""
PROBE = f"""
with {_HELD},
     none as (insert into access_record ({_COLUMNS}) select {_COLUMNS} from access_record where false)
select pg_logical_emit_message(true, 'verbund', 'records can be kept') from held
"""
"""Ends well if a record could be committed now: the rights, the lock, a flush and the standbys that it waits for."""

_KIND_COLUMNS = (
    "role, counterpart, caller_city, application, purpose, legal_basis, action, field, fields, datasets, decision,"
    " rules, policy_version, obligations, state, positions"
)
KINDS = f"""
insert into access_kind (id, operation, {_KIND_COLUMNS})
select id::uuid, decode(operation, 'hex'), {_KIND_COLUMNS}
  from json_to_recordset($1) as kind(
       id text, operation text, role text, counterpart text, caller_city text, application text, purpose text,
       legal_basis text, action text, field text, fields text[], datasets text[], decision text, rules text[],
       policy_version text, obligations text[], state text, positions text)
    on conflict do nothing
"""
OPERATIONS = """
insert into operation (digest, document)
select decode(digest, 'hex'), document from json_to_recordset($1) as operation(digest text, document text)
    on conflict do nothing
"""


def append_now(
    connection: psycopg.Connection[Any], records: Sequence[AccessRecord], document: str, at: datetime | None = None
) -> list[Row]:
    """Append records on a connection of the caller's, in its transaction if there is one. `document` is normalised.

    Raises:
        psycopg.Error: they are not written.
    """
    rows = Canonical().rows(records, at or datetime.now(UTC))
    with connection.transaction():
        for statement, parameter in (
            (OPERATIONS, operations_json([(records[0].operation, document)])),
            (KINDS, kinds_json({row.kind.digest: row.kind for row in rows}.values())),
            (RECORDS, records_json(rows)),
        ):
            connection.execute(statement.replace("$1", "%s::json"), (parameter.decode(),))
    return rows


def records_json(rows: Iterable[Row]) -> bytes:
    """The parameter of RECORDS."""
    return b"[%b]" % b",".join(row.json for row in rows)


def spending_json(rows: Iterable[tuple[Row, int | None]]) -> bytes:
    """The second parameter of SPENDING_RECORDS: rows with the numbers of the uses that they rest on."""
    return b"[%b]" % b",".join(
        row.json if number is None else b'{"n":%d,%b' % (number, row.json[1:]) for row, number in rows
    )


def kinds_json(kinds: Iterable[Kind]) -> bytes:
    """The parameter of KINDS."""
    return b"[%b]" % b",".join(b'{"id":"%b",%b' % (kind.digest[:32].encode(), kind.content[1:]) for kind in kinds)


def operations_json(documents: Iterable[tuple[bytes, str]]) -> bytes:
    """The parameter of OPERATIONS: digests with normalised documents. One that is too long is left out."""
    return orjson.dumps(
        [
            {"digest": digest.hex(), "document": document}
            for digest, document in documents
            if len(document) <= MAX_DOCUMENT
        ]
    )
