"""Observations that must not count, because others of the same datastream that overlap them did.

In order of their starts, an observation counts unless it starts before the end of the last one that counted. An hourly
total beside its quarters counts in their place if it comes first; of a gliding mean every so many-th value counts.

Whether one counts rests on all before it, so it takes a walk. Only datastreams that can have overlaps are walked: in
the others every observation is as long as the datastream says and starts whole lengths after the first one, and since
a datastream has one observation for each start, no two of them overlap. To look for that costs less than adding up; a
window function over all of them would cost several times as much.
"""

from __future__ import annotations

from collections.abc import Iterator

from node.store.statistics.frame import Period

LENGTH = "coalesce(o.phenomenon_end, o.phenomenon_time) - o.phenomenon_time"


def even_tables(period: Period) -> Iterator[str]:
    """`paced`: the datastreams of `fitting`, and whether all their observations in the period are `even`."""
    within = f"o.datastream_id = s.id and {period.within}"
    yield (
        f"first{period.suffix} as materialized (select s.id, s.interval_seconds as seconds,"
        " make_interval(secs => s.interval_seconds) as length, (select o.phenomenon_time from observation o"
        f" where {within} order by o.phenomenon_time limit 1) as first from fitting s)"
    )
    yield (
        f"paced{period.suffix} as materialized (select s.*, not exists (select from observation o where {within} and"
        " case when s.seconds is null then o.phenomenon_end is not null when s.seconds <= 0 then true"
        " else o.phenomenon_end is distinct from o.phenomenon_time + s.length"
        " or o.phenomenon_time <> date_bin(s.length, o.phenomenon_time, s.first) end) as even"
        f" from first{period.suffix} s)"
    )


def kept_tables(period: Period, usable: str, longest: str) -> Iterator[str]:
    """`kept`: the observations of uneven datastreams that count, as one array, which parallel workers can be given.

    `usable` is the condition that observation `o` has a result that is asked for. One that is longer than `longest`
    (seconds, 0 for any) can't be divided and is passed over.
    """
    x = period.suffix
    yield (
        f"walked{x} as materialized (select o as observation, o.datastream_id as id, o.phenomenon_time as start,"
        " coalesce(o.phenomenon_end, o.phenomenon_time) as finish,"
        " row_number() over (order by o.datastream_id, o.phenomenon_time) as number"
        f" from paced{x} s join observation o on o.datastream_id = s.id where not s.even and {period.within}"
        f" and {usable} and ({longest} = 0 or {LENGTH} <= make_interval(secs => {longest})))"
    )
    # from each one the number of the next that counts if it does: behind all that start before its end
    begun = "count(*) filter (where begins) over (order by id, at, begins rows unbounded preceding)"
    yield (
        f"leaps{x} as materialized (select array_agg(greatest(number, begun) + 1 order by number) as leap"
        f" from (select number, begins, {begun} as begun from (select id, start as at, true as begins, number"
        f" from walked{x} union all select id, finish, false, number from walked{x}) event) one where not begins)"
    )
    yield (
        f"steps{x} as materialized (with recursive step (number) as (select 1::bigint union all"
        f" select (select leap from leaps{x})[number] from step"
        f" where number <= (select cardinality(leap) from leaps{x})) select number from step)"
    )
    yield (
        f"kept{x} as materialized (select array_agg(w.observation) as observations from walked{x} w"
        f" where w.number in (select number from steps{x}))"
    )
