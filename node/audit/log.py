"""Append access records: committed before the answer may leave.

A transaction of its own, so that a denial is kept whatever becomes of the request. PostgreSQL commits the transactions
of concurrent requests with one flush.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import psycopg
from graphql import strip_ignored_characters
from psycopg_pool import PoolTimeout

from node.audit.record import AccessRecord
from node.store.pool import Pool
from schema.errors import Unavailable

log = logging.getLogger("verbund.audit")
REMEMBERED = 1_024
MAX_DOCUMENT = 16_384  # characters

_COLUMNS = (
    "trace_id, role, counterpart, caller_city, application, purpose, token_id, action, field, operation, datasets,"
    " decision, rules, policy_version, state, rows, bytes, took_ms"
)
_ROW = f"({', '.join(['%s'] * len(_COLUMNS.split(',')))})"
_OPERATION = "with known as (insert into operation (digest, document) values (%s, %s) on conflict do nothing)"


class AccessLog:
    """The access log of this node."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._stored: OrderedDict[bytes, None] = OrderedDict()

    async def append(self, records: Sequence[AccessRecord], document: str) -> None:
        """Commit the records of one answer, and the document if it is new.

        Raises:
            Unavailable: they could not be committed; the answer must not leave.
        """
        digest = records[0].operation
        is_new = digest not in self._stored
        statement = f"insert into access_record ({_COLUMNS}) values {', '.join([_ROW] * len(records))}"
        values = [value for record in records for value in _values(record)]
        if is_new:
            statement = f"{_OPERATION} {statement}"
            values = [digest, _stored_form(document), *values]
        try:
            async with self._pool.connection() as connection:
                await connection.execute(statement, values)  # one statement is one transaction
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("trace %s: the access record can't be written: %s", records[0].trace_id, type(error).__name__)
            raise Unavailable("the access log can't be written, so no data may leave") from error
        if is_new:
            self._stored[digest] = None
            if len(self._stored) > REMEMBERED:
                self._stored.popitem(last=False)


def _stored_form(document: str) -> str:
    """Comments cost their sender nothing and would fill the disk; only valid documents come here."""
    return strip_ignored_characters(document)[:MAX_DOCUMENT].replace("\x00", "\ufffd")


def _values(record: AccessRecord) -> tuple[Any, ...]:
    caller = record.caller
    return (
        record.trace_id,
        record.role,
        record.counterpart,
        caller.city,
        caller.application,
        caller.purpose,
        caller.token_id,
        record.action,
        record.field,
        record.operation,
        list(record.datasets),
        record.decision,
        list(record.rules),
        record.policy_version,
        record.state,
        record.rows,
        record.bytes,
        record.took_ms,
    )
