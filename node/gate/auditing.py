"""What auditors sum up through the API: checked, recorded, then answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import psycopg

from node.audit.grammar import FilterError, check_argument, read_filter
from node.audit.log import AccessLog
from node.audit.record import DENY, OWNER, PERMIT, AccessRecord, action_of, operation_digest
from node.audit.totals import NotCounted, totals
from node.store.connections import connect
from schema.errors import BadInput, Forbidden, TooCostly, Unavailable
from schema.ports import Request
from schema.selection import Field
from schema.types.audit_totals import AccessGroup, AccessTotal

SCOPE = "audit:read"
MAX_GROUPS = 1_000
FIELD = "accessTotals"


class Auditing:
    """Fills `schema.ports.Auditing`."""

    def __init__(self, city: str, database_url: str, access_log: AccessLog, *, statement_ms: int) -> None:
        self._city = city
        self._database_url = database_url
        self._log = access_log
        self._statement_ms = statement_ms

    async def totals(self, request: Request, matching: str, by: Sequence[AccessGroup], first: int) -> list[AccessTotal]:
        """The largest groups."""
        try:
            check_auditor(request, self._city, FIELD)
        except Forbidden:
            await self._log.append([self._record(request, DENY, 0, 0.0)], request.document)
            raise
        if not 1 <= first <= MAX_GROUPS:
            raise BadInput(f"first: {first} is not between 1 and {MAX_GROUPS}")
        began = time.perf_counter()
        names = tuple(dict.fromkeys(group.value for group in by))
        found = await asyncio.to_thread(self._read, matching, names, first)
        took_ms = (time.perf_counter() - began) * 1000
        await self._log.append([self._record(request, PERMIT, len(found), took_ms)], request.document)
        return [AccessTotal(**row) for row in found]

    def _read(self, matching: str, by: Sequence[str], first: int) -> list[dict[str, Any]]:
        try:
            wanted = read_filter(matching)
            with connect(self._database_url, "verbund-auditing", statement_ms=self._statement_ms) as connection:
                return list(totals(connection, wanted, by, first))
        except FilterError as error:
            raise BadInput(f"matching: {error.reason}") from None
        except NotCounted as error:
            raise BadInput(f"matching: {error}") from None
        except psycopg.errors.QueryCanceled:
            raise TooCostly("the sums took too long", hint="ask for a shorter period, or for months") from None
        except psycopg.OperationalError as error:
            raise Unavailable("the database can't be reached") from error

    def _record(self, request: Request, decision: str, rows: int, took_ms: float) -> AccessRecord:
        return AccessRecord(
            role=OWNER,
            caller=request.caller,
            counterpart=request.caller.peer,
            trace_id=request.trace_id,
            field=FIELD,
            action=action_of(request.caller, "log"),
            operation=operation_digest(request.document),
            datasets=(),
            decision=decision,
            rules=(f"scope/{SCOPE}",),
            policy_version="",
            state="OK",
            rows=rows,
            bytes=0,
            took_ms=took_ms,
        )


def check_auditor(request: Request, city: str, field: str) -> None:
    """Raises Forbidden unless an own application with the scope asks."""
    caller = request.caller
    if caller.peer is not None or caller.city != city or SCOPE not in caller.scopes:
        raise Forbidden(
            f"{field}: needs a token of this city's own application with the scope {SCOPE}",
            hint=f"an operator grants it with `verbund client add … --scope {SCOPE}`",
        )


def matching_as_filter(field: Field) -> Field:
    """The field with the filter that its argument `matching` says, instead of that. Raises BadInput."""
    text, given = field.arguments.get("matching"), field.arguments.get("filter")
    if text is None:
        try:
            check_argument(given or {})
        except FilterError as error:
            raise BadInput(f"filter.{error.reason}") from None
        return field
    if given is not None:
        raise BadInput("matching: can't be there beside filter", hint="say all of it in one of them")
    try:
        return field.with_arguments(filter=read_filter(text).as_argument(), matching=None)
    except FilterError as error:
        raise BadInput(f"matching: {error.reason}") from None
