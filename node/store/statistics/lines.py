"""Lines: every bucket of every group, with what was observed in it, or with nothing.

Joined by `full join`, which PostgreSQL never does row against row: it can't know beforehand how many cells there are,
and a nested loop over 100,000 of them would not end. Rows without a group are left over where a cell is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from node.store.statistics.measures import Measures

MAX_INT = 2**31 - 1


def lines_table(
    columns: Mapping[str, str], now: Measures, before: Measures | None, fits: str, *, extra: str = ""
) -> str:
    """The table `lines` with group `g` and aggregates over the buckets in order.

    `columns`: JSON text of a bucket by name of the column, from the tables `frame`, `cells` and `covered`, with
    suffixes. `fits` is a condition without which there are no lines; `extra` is one more column of `groups` to be
    had as `frame`'s.
    """
    sources = _grid(now, fits, extra) + _cells(now, "i")
    if before is not None:
        x = before.period.suffix
        sources += f" full join {_grid(before, fits)} on frame{x}.g = frame.g and frame{x}.i = frame.j"
        sources += _cells(before, "j")
    listed = ", ".join(f"string_agg({text}, ',' order by frame.i) as {name}" for name, text in columns.items())
    return f"lines as materialized (select frame.g, {listed} from {sources} group by frame.g)"


def _cells(measures: Measures, number: str) -> str:
    x = measures.period.suffix
    tables = [f"cells{x}", f"covered{x}"] if measures.covered else [f"cells{x}"]
    return "".join(f" full join {table} on {table}.g = frame.g and {table}.b = frame.{number}" for table in tables)


def _grid(measures: Measures, fits: str, extra: str = "") -> str:
    x = measures.period.suffix
    columns = "g.g, g.members, g.measured, f.i, f.j, f.start_json, f.finish_json, f.seconds"
    if extra:
        columns += f", g.{extra}"
    if measures.expected:
        columns += f", {_EXPECTED} as expected"
    return f"(select {columns} from groups g cross join frame{x} f where {fits}) frame{x}"


# as many as fit, by the intervals of the group's datastreams: mostly all the same
_EXPECTED = (
    f"case when g.members > 0 and g.measured = g.members then least({MAX_INT}, case"
    " when g.shortest = g.longest then g.members * round(f.seconds / g.shortest)"
    " else (select sum(round(f.seconds / seconds)) from unnest(g.lengths) seconds) end)::bigint end"
)


def groups_table(columns: Mapping[str, str]) -> str:
    """The table `groups` of the table `chosen`. `columns` are further aggregates over its rows, by name.

    Members are the datastreams that count, measured those of them whose observations have a length.
    """
    listed = "".join(f", {expression} as {name}" for name, expression in columns.items())
    return (
        "groups as materialized (select g, count(*) filter (where not coarse) as members,"
        " count(*) filter (where not coarse and interval_seconds > 0) as measured,"
        " min(interval_seconds) filter (where not coarse) as shortest,"
        " max(interval_seconds) filter (where not coarse) as longest,"
        f" array_agg(interval_seconds) filter (where not coarse) as lengths{listed} from chosen group by g)"
    )
