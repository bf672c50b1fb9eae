"""Aggregates of the log: who, what, how much, over time. From the counts that the sequencer keeps, by month and by day.

Whole months are read as such, so that years cost little; days only at a period's ends, or where days are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed, Literal

from node.audit.grammar import Filter
from node.audit.search import conditions
from node.store.filters.records import OF_RECORDS

Connection = psycopg.Connection[Any]
MAX_DAYS = 100  # of a period that is told day by day

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


def totals(
    connection: Connection, wanted: Filter, by: Sequence[str], limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Requests, rows and bytes by group, the largest first. A record with several datasets counts in each.

    Times count as whole days (UTC), that of `before` included unless it is the day's beginning.

    Raises:
        NotCounted: by persons, tokens or traces; or by day without a period of at most 100 days.
    """
    for name in (*wanted.terms, *wanted.without):
        if name in OF_RECORDS:
            raise NotCounted(f"{name}: is not counted by day; list or export the records instead")
    keys = SQL(", ").join(SQL("{} as {}").format(SQL(GROUPS[name]), SQL(name)) for name in by)
    sums = ", ".join(f"coalesce(sum(d.{name}), 0)::bigint as {name}" for name in ("requests", "rows", "bytes"))
    query = SQL(
        "select {keys}{comma} {sums} from ({counts}) d join access_kind k on k.id = d.kind {each}"
        " where {kind} {group} order by requests desc, 1 limit {limit}"
    ).format(
        keys=keys,
        comma=SQL(", " if by else ""),
        each=SQL(" ").join(SQL(_EACH[name].replace("{{}}", "{}")) for name in by if name in _EACH),
        kind=conditions(wanted)["kind"],
        sums=SQL(sums),
        limit=Literal(limit),
        counts=_counts(wanted, by_day="day" in by),
        group=SQL("group by {}").format(SQL(", ").join(map(SQL, map(str, range(1, len(by) + 1))))) if by else SQL(""),
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        yield from cursor.execute(query)


PUBLIC = """
select to_char(m.month, 'YYYY-MM') as month, dataset, k.caller_city as city, sum(m.requests)::bigint as requests,
       sum(m.rows)::bigint as rows
  from access_month m join access_kind k on k.id = m.kind cross join unnest(k.datasets) dataset
 where k.role = 'OWNER' and k.decision = 'PERMIT' and m.month < date_trunc('month', now())
   and m.month >= date_trunc('month', now()) - interval '24 months'
   and exists (select from dataset d where d.tier = 'OPEN' and d.key = substring(dataset from '^[^:]*:dataset:(.*)$'))
 group by 1, 2, 3 order by 1, 2, 3
"""


def _counts(wanted: Filter, *, by_day: bool) -> Composed:
    """The counts of the period, by its whole months and the days around them."""
    start = wanted.after.date() if wanted.after is not None else None
    end = None if wanted.before is None else _days_end(wanted.before)
    if by_day:
        last = end or (datetime.now(UTC) + timedelta(days=1)).date()
        if start is None or (last - start).days > MAX_DAYS:
            raise NotCounted(f"day: needs a period of at most {MAX_DAYS} days, like after:{last - timedelta(days=90)}")
        return _rows("day", start, end)
    first = None if start is None else _month(start, up=True)
    behind = None if end is None else _month(end, up=False)
    if first is not None and behind is not None and first >= behind:
        return _rows("day", start, end)
    parts = [_rows("month", first, behind)]
    if start != first:
        parts.append(_rows("day", start, first))
    if end != behind:
        parts.append(_rows("day", behind, end))
    return SQL(" union all ").join(parts)


def _days_end(before: datetime) -> date:
    """The end of the last day that is before a time."""
    day = before.date()
    return day if before.time() == time.min else day + timedelta(days=1)


def _rows(unit: str, start: date | None, end: date | None) -> Composed:
    """Columns of access_day, from the table of one unit; from `start` on, before `end`."""
    limits = [SQL("true").format()]
    if start is not None:
        limits.append(SQL("{} >= {}").format(SQL(unit), Literal(start)))
    if end is not None:
        limits.append(SQL("{} < {}").format(SQL(unit), Literal(end)))
    return SQL("select {} as day, kind, requests, rows, bytes from {} where {}").format(
        SQL(unit), SQL(f"access_{unit}"), SQL(" and ").join(limits)
    )


def _month(day: date, *, up: bool) -> date:
    """The first day of the month that a day is in; `up`: of the next one, unless it is the first itself."""
    first = day.replace(day=1)
    return first if first == day or not up else (first + timedelta(days=32)).replace(day=1)
