"""Cells: what was observed by the datastreams of one group in one bucket.

The observations are read once, in whatever order they lie, into a hash table of groups and buckets. Two forms of that
stand in the statement, and one runs: the plain one, which parallel workers can share, where all datastreams are even
and no observation reaches over a border; else the careful one.

Tables: `fitting` must be there, with id, group number `g` and interval_seconds of the datastreams that count. `cells`
comes out, with the period's suffix: group `g`, bucket `b`, and the columns that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from node.store.statistics.frame import Period
from node.store.statistics.overlaps import even_tables, kept_tables

# larger ones have squares that PostgreSQL refuses to add up; sensors send the largest of all for "no value"
IS_NUMBER = "o.result between -1e140 and 1e140"
_COLUMNS = ("datastream_id", "phenomenon_time", "phenomenon_end", "result", "quality")


def cell_tables(
    period: Period, columns: Mapping[str, str], usable: str, longest: str, *, covered: bool
) -> Iterator[str]:
    """The tables. `columns` are aggregates over observations `x`, by name; `covered` adds the time that they cover."""
    suffix = period.suffix
    yield from even_tables(period)
    yield from kept_tables(period, usable, longest)
    yield (
        f"index{suffix} as materialized (select (select min(id) from fitting) - 1 as below,"
        f" (select array_agg(id) from paced{suffix}) as ids, (select array_agg(id) from paced{suffix} where even)"
        " as even_ids, (select array_agg(coalesce(f.g, 0) order by n) from generate_series((select min(id) from"
        " fitting), (select max(id) from fitting)) n left join fitting f on f.id = n) as groups,"
        f" (select coalesce(bool_and(even), true) from paced{suffix})"
        f" and not {_reaching(period, covered=covered)} as plain)"
    )
    plain = _read(period, "ids", usable)
    careful = (
        f"{_read(period, 'even_ids', usable)} union all select {_listed('k')}"
        f" from unnest((select observations from kept{suffix})) k"
    )
    none = {"over": "null::interval", "into_next": "null::interval"}
    lasted = {"lasted": "sum(x.phenomenon_end - x.phenomenon_time)"} if covered else {}
    forms = [
        _counted(period, plain, {**columns, **lasted, **(none if covered else {})}, ""),
        _counted(period, careful, {**columns, **lasted, **(_over(period) if covered else {})}, "not "),
    ]
    yield f"cells{suffix} as materialized ({' union all '.join(forms)})"
    if covered:
        yield _covered(period)


def _listed(alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in _COLUMNS)


def _read(period: Period, ids: str, usable: str) -> str:
    return (
        f"select {_listed('o')} from observation o where o.datastream_id = any((select {ids} from index{period.suffix})"
        f"::int[]) and {period.within} and {usable}"
    )


def _counted(period: Period, source: str, aggregates: Mapping[str, str], unless: str) -> str:
    suffix = period.suffix
    group = f"(select groups from index{suffix})[x.datastream_id - (select below from index{suffix})]"
    listed = "".join(f', {expression} as "{name}"' for name, expression in aggregates.items())
    return (
        f"select {group} as g, {_bucket(period)} as b, count(*) as count{listed} from ({source}) x"
        f" where {unless}(select plain from index{suffix}) group by 1, 2"
    )


def _bucket(period: Period) -> str:
    return f"width_bucket(x.phenomenon_time, {period.borders})"


def _over(period: Period) -> dict[str, str]:
    """How far observations reach over their bucket's end, and how much of that lies in the next bucket."""
    end, next_end = (f"({period.borders})[{_bucket(period)} + {number}]" for number in (1, 2))
    reaching = f"filter (where x.phenomenon_end > {end})"
    return {
        "over": f"sum(x.phenomenon_end - {end}) {reaching}",
        "into_next": f"sum(least(x.phenomenon_end, {next_end}) - {end}) {reaching}",
    }


def _reaching(period: Period, *, covered: bool) -> str:
    """Whether observations of even datastreams can reach over a border."""
    if not covered:
        return "false"
    return (
        f"exists (select from paced{period.suffix} p cross join unnest(({period.borders})[2:]) border"
        " where p.seconds > 0 and date_bin(p.length, border, p.first) <> border)"
    )


def _covered(period: Period) -> str:
    """Time that observations cover, by bucket: what reaches over a bucket's end lies in the next one."""
    suffix = period.suffix
    return (
        f"covered{suffix} as materialized (select g, b, extract(epoch from sum(time))::float8 as seconds from"
        f" (select g, b, lasted - coalesce(over, interval '0') as time from cells{suffix}"
        f" union all select g, b + 1, into_next from cells{suffix} where into_next is not null) one group by 1, 2)"
    )
