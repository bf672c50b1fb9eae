"""Aggregates of the log: who, what, how much, over time. From the counts by day and kind that the sequencer keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed

from node.audit.grammar import Filter
from node.audit.search import conditions
from node.store.filters.records import OF_RECORDS

Connection = psycopg.Connection[Any]

GROUPS: Mapping[str, str] = {
    "action": "k.action",
    "application": "k.application",
    "city": "coalesce(k.caller_city, k.counterpart)",
    "counterpart": "k.counterpart",
    "dataset": "dataset",
    "day": "to_char(d.day, 'YYYY-MM-DD')",
    "decision": "k.decision",
    "field": "k.field",
    "month": "to_char(d.day, 'YYYY-MM')",
    "purpose": "k.purpose",
    "role": "k.role",
    "rule": "rule",
    "state": "k.state",
}
_EACH = {
    "dataset": "cross join unnest(case when k.datasets = '{{}}' then array[null] else k.datasets end) dataset",
    "rule": "cross join unnest(case when k.rules = '{{}}' then array[null] else k.rules end) rule",
}


class NotCounted(ValueError):
    """The filter asks for something that is not counted by day. The text names it."""


def totals(connection: Connection, wanted: Filter, by: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Requests, rows and bytes by group, the largest first. A record with several datasets counts in each.

    Times count as whole days (UTC).

    Raises:
        NotCounted: by persons, tokens or traces.
    """
    for name in (*wanted.terms, *wanted.without):
        if name in OF_RECORDS:
            raise NotCounted(f"{name}: is not counted by day; list or export the records instead")
    keys = SQL(", ").join(SQL("{} as {}").format(SQL(GROUPS[name]), SQL(name)) for name in by)
    query = SQL(
        "select {keys}{comma} sum(d.requests)::bigint as requests, sum(d.rows)::bigint as rows,"
        " sum(d.bytes)::bigint as bytes from access_day d join access_kind k on k.id = d.kind {each}"
        " where {kind} and {day} {group} order by requests desc, 1"
    ).format(
        keys=keys,
        comma=SQL(", " if by else ""),
        each=SQL(" ").join(SQL(_EACH[name].replace("{{}}", "{}")) for name in by if name in _EACH),
        kind=conditions(wanted)["kind"],
        day=_days(wanted),
        group=SQL("group by {}").format(SQL(", ").join(map(SQL, map(str, range(1, len(by) + 1))))) if by else SQL(""),
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        yield from cursor.execute(query)


PUBLIC = """
select to_char(d.day, 'YYYY-MM') as month, dataset, k.caller_city as city, sum(d.requests)::bigint as requests,
       sum(d.rows)::bigint as rows
  from access_day d join access_kind k on k.id = d.kind cross join unnest(k.datasets) dataset
 where k.role = 'OWNER' and k.decision = 'PERMIT' and d.day < date_trunc('month', now())
   and d.day >= date_trunc('month', now()) - interval '24 months'
 group by 1, 2, 3 order by 1, 2, 3
"""


def _days(wanted: Filter) -> Composed:
    parts = [SQL("true").format()]
    if wanted.after is not None:
        parts.append(SQL("d.day >= {}").format(wanted.after.date()))
    if wanted.before is not None:
        parts.append(SQL("d.day < {}").format(wanted.before.date()))
    return SQL(" and ").join(parts)
