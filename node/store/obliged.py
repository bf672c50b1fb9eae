"""The views through which data is read that comes under obligations: what a caller sees is what the view releases.

They stand in the schema `obliged`, which is put first in the search path of a transaction whose grant has obligations.
So the compiler's statements stay as they are, and every road (rows, series, aggregates, facets, counts, latest values)
is computed from released rows alone: no combination of questions tells more than those rows do. Without the search path
nothing of such data is seen: the views of `granted` have none of its observations.

What is released of counts (the reasons: docs/obligations.md, the proof: tests/unit/policy/test_hiding.py):
- A family is a thing's datastreams of one observed property: a total and its parts. A cell is what one of them counted
  in a step; it is small if it is above 0 and below the minimum count.
- Where a family has a small cell, all its cells within the same grid step are hidden. A total that is not small itself
  is shown if its step is the grid's.
- The grid is the coarsest step in which anybody is given the dataset. Steps divide each other.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from node.store import tables
from node.store.statistics.cells import IS_NUMBER

SCHEMA = "obliged"
LATEST_WITHIN = "interval '7 days'"  # of the last observation: what was released last is looked for in these
_ORIGIN = "'2000-01-01 00:00:00+00'::timestamptz"
_METRES = 111_320.0  # of a degree of latitude
TERMS = """
select * from jsonb_to_recordset(nullif(current_setting('verbund.obligations', true), '')::jsonb) as terms (
    minimum_count int, step int, grid int, delay int, place int, rounding int, without text[],
    observed varbit, datasets varbit, things varbit)
"""


def _has(column: str, bits: str) -> str:
    return f"case when {column} < length({bits}) then get_bit({bits}, {column}) else 0 end <> 0"


def _setting(name: str, default: str) -> str:
    return f"coalesce(nullif(current_setting('verbund.{name}', true), ''), '{default}')::timestamptz"


_SINCE, _UNTIL = _setting("since", "1900-01-01Z"), _setting("until", "2200-01-01Z")
_LENGTH = "greatest(ob.step, coalesce(s.interval_seconds, 0), 1)"
_IS_COUNT = "s.observation_type like '%/OM_CountObservation'"
# An observation that is no shorter than the step keeps its own time: days of a city begin at its midnight, not UTC's.
_IS_OWN = "ob.step <= s.interval_seconds"
_RANKS = ("CHECKED", "RAW", "ESTIMATED", "SUSPECT")
_QUALITY = (
    f"coalesce((array{list(_RANKS)!r}::{{home}}.observation_quality[])[max(case o.quality"
    + "".join(f" when '{name}' then {rank}" for rank, name in enumerate(_RANKS, 1))
    + " end) filter (where o.result is not null)], 'MISSING')"
)
# of datastream `s` under terms `ob`: its family, how long its cells are, how long the steps in which they are hidden
_FAMILY = f"""
select array_agg(m.id) as ids, make_interval(secs => {_LENGTH}) as length,
       make_interval(secs => greatest(ob.grid, {_LENGTH}, max(m.interval_seconds))) as grid,
       s.direction is null and count(*) filter (where m.direction is null and (m.vehicle_class is null
           or m.vehicle_class = 'ALL' or m.vehicle_class is not distinct from kin.class)) = 1
           and (s.vehicle_class is null or s.vehicle_class = 'ALL' or kin.class is not null) as is_total
  from {{home}}.datastream m cross join
       (select case when count(distinct vehicle_class) = 1 and count(vehicle_class) = count(*) then min(vehicle_class)
               end as class from {{home}}.datastream
         where thing_id = s.thing_id and observed_property_id = s.observed_property_id) kin
 where m.thing_id = s.thing_id
   and (m.id = s.id or ob.minimum_count > 0 and {_IS_COUNT} and m.observed_property_id = s.observed_property_id)
 group by kin.class
"""


def _cells(since: str, until: str) -> str:
    """Released cells of datastream `s` under terms `ob`, of the time between: start, finish, result, quality.

    Where small cells are hidden a cell waits for its whole grid step: before, nobody knows what has to be hidden.
    """
    total = f"sum(o.result) filter (where {IS_NUMBER})"
    result = f"case when {_IS_COUNT} then {total} else avg(o.result) filter (where {IS_NUMBER}) end"
    return f"""
select start, finish, quality,
       case when ob.rounding > 0 then round(result / ob.rounding) * ob.rounding else result end as result
  from ({_FAMILY}) family
 cross join lateral (
    select *, bool_or(small) over (partition by date_bin(grid, slot, {_ORIGIN})) as near_small
      from (
        select o.datastream_id, date_bin(length, o.phenomenon_time, {_ORIGIN}) as slot,
               case when {_IS_OWN} then min(o.phenomenon_time)
                    else date_bin(length, min(o.phenomenon_time), {_ORIGIN}) end as start,
               case when ob.step = 0 or {_IS_OWN} then max(o.phenomenon_end)
                    else date_bin(length, min(o.phenomenon_time), {_ORIGIN}) + length end as finish,
               {result} as result, {_QUALITY} as quality,
               coalesce({_IS_COUNT} and {total} > 0 and {total} < ob.minimum_count, false) as small
          from {{home}}.observation o
         where o.datastream_id = any(ids) and o.phenomenon_time >= date_bin(grid, {since}, {_ORIGIN})
           and o.phenomenon_time < date_bin(grid, {until}, {_ORIGIN}) + grid
         group by 1, 2) whole) cell
 where datastream_id = s.id and (not near_small or is_total and not small and length = grid)
   and greatest(finish, case when ob.minimum_count > 0 and {_IS_COUNT} then date_bin(grid, slot, {_ORIGIN}) + grid
                        else slot + length end) <= now() - make_interval(secs => ob.delay)
"""


_OBSERVED = f"{{home}}.datastream s join {{schema}}.terms ob on {_has('s.id', 'ob.observed')}"
_OBSERVATION = (
    "select datastream_id, phenomenon_time, phenomenon_end, result, quality from granted.observation union all"
    f" select s.id, c.start, c.finish, c.result, c.quality from {_OBSERVED}"
    f" cross join lateral ({_cells(_SINCE, _UNTIL)}) c"
)
_LAST = (
    "(select l.phenomenon_time as at from {home}.latest_observation l where l.datastream_id = s.id) l"
    " cross join lateral (select least(l.at, now() - make_interval(secs => ob.delay)) as at) last"
)
_LATEST = (
    "select datastream_id, phenomenon_time, phenomenon_end, result, quality from granted.latest_observation union all"
    f" select s.id, c.start, c.finish, c.result, c.quality from {_OBSERVED} cross join lateral {_LAST}"
    f" cross join lateral (select * from ({_cells(f'(last.at - {LATEST_WITHIN})', 'last.at')}) c"
    " order by start desc limit 1) c"
)
# Cells are read once all of their grid step is over and released: see `node.store.arrivals`.
_ARRIVAL = (
    "select id, datastream_id, times, null::timestamptz as ripe_at from granted.arrival union all"
    f" select a.id, s.id, array(select distinct case when {_IS_OWN} then at else date_bin(length, at, {_ORIGIN})"
    " end from unnest(a.times) at),"
    f" (select greatest(date_bin(family.grid, max(at), {_ORIGIN}) + family.grid,"
    " max(at) + make_interval(secs => coalesce(s.interval_seconds, 0))) from unnest(a.times) at)"
    f" + make_interval(secs => ob.delay) from {{home}}.arrival a join {_OBSERVED} on s.id = a.datastream_id"
    f" cross join lateral ({_FAMILY}) family"
)


def _strictest(bits: str, id_: str) -> str:
    """The terms of a row as one: `ob`."""
    return (
        "cross join lateral (select coalesce(max(step), 0) as step, coalesce(max(delay), 0) as delay,"
        " coalesce(max(place), 0) as place, coalesce(array_agg(w) filter (where w is not null), '{{}}') as without"
        f" from {{schema}}.terms t left join lateral unnest(t.without) w on true where {_has(id_, f't.{bits}')}) ob"
    )


def _changed(table: sa.Table, source: str, changes: Mapping[str, str]) -> str:
    """A view of a table in `granted` with some columns changed."""
    columns = ", ".join(
        f"{changes[column.name]} as {column.name}" if column.name in changes else f"s.{column.name}"
        for column in table.columns
    )
    return f"select {columns} from granted.{table.name} s {source}"


def _unless(field: str, value: str, otherwise: str) -> str:
    return f"case when '{field}' = any(ob.without) then {otherwise} else {value} end"


def _unplaced(value: str, otherwise: str) -> str:
    return f"case when ob.place > 0 or 'Thing.location' = any(ob.without) then {otherwise} else {value} end"


_SIDE = f"(ob.place / {_METRES})"
_LATITUDE = f"(floor(s.latitude / {_SIDE}) + 0.5) * {_SIDE}"
_WIDE = f"({_SIDE} / greatest(cos(radians({_LATITUDE})), 0.01))"
_LONGITUDE = f"(floor(s.longitude / {_WIDE}) + 0.5) * {_WIDE}"


def _placed(column: str, coarse: str) -> str:
    return _unless("Thing.location", f"case when ob.place > 0 then {coarse} else s.{column} end", "null")


# What is covered is told in the steps in which it is given, and no more than is given yet.
_GIVEN_UNTIL = f"date_bin(make_interval(secs => {_LENGTH}), now() - make_interval(secs => ob.delay), {_ORIGIN})"


def _covered(value: str, in_steps: str) -> str:
    return (
        f"case when ob.step = 0 and ob.delay = 0 then {value} when {value} is null"
        f" or s.phenomenon_start >= {_GIVEN_UNTIL} then null else {in_steps} end"
    )


_STEP_START = f"date_bin(make_interval(secs => {_LENGTH}), s.phenomenon_start, {_ORIGIN})"
_STEP_END = (
    f"date_bin(make_interval(secs => {_LENGTH}), s.phenomenon_end - case when s.interval_seconds is null"
    f" then interval '0' else interval '1 microsecond' end, {_ORIGIN}) + make_interval(secs => {_LENGTH})"
)
_IS_STEPPED = f"ob.step > 0 and not coalesce({_IS_OWN}, false)"
_NO_DIRECTION = _unless("Datastream.direction", "s.direction", "null")
_NO_DESCRIPTION = _unless("Datastream.description", "s.description", "''")
_THING_DESCRIPTION = _unless("Thing.description", "s.description", "''")
VIEWS: Mapping[str, str] = {
    "observation": _OBSERVATION,
    "latest_observation": _LATEST,
    "arrival": _ARRIVAL,
    "datastream": _changed(
        tables.datastream,
        _strictest("datasets", "s.dataset_id"),
        {
            "direction": _NO_DIRECTION,
            "vehicle_class": _unless("Datastream.vehicleClass", "s.vehicle_class", "null"),
            "description": _NO_DESCRIPTION,
            "interval_seconds": "case when ob.step > 0 then greatest(s.interval_seconds, ob.step)"
            " else s.interval_seconds end",
            "phenomenon_start": _covered(
                "s.phenomenon_start", f"case when {_IS_STEPPED} then {_STEP_START} else s.phenomenon_start end"
            ),
            "phenomenon_end": _covered(
                "s.phenomenon_end",
                f"case when {_IS_STEPPED} then least({_STEP_END}, {_GIVEN_UNTIL}) when s.phenomenon_end <= now()"
                f" - make_interval(secs => ob.delay) then s.phenomenon_end else {_GIVEN_UNTIL} end",
            ),
            "search": "case when 'Datastream.description' = any(ob.without) then"
            f" {{home}}.names_search(s.name, {_NO_DIRECTION}, '') when 'Datastream.direction' = any(ob.without) then"
            " s.search_undirected else s.search end",
        },
    ),
    "thing": _changed(
        tables.thing,
        _strictest("things", "s.id"),
        {
            "description": _THING_DESCRIPTION,
            "longitude": _placed("longitude", _LONGITUDE),
            "latitude": _placed("latitude", _LATITUDE),
            "place": _unplaced("s.place", "null"),
            "properties": _unplaced("s.properties", "'{{}}'"),
            "search": "case when 'Thing.description' = any(ob.without) then"
            f" {{home}}.names_search(s.name, {_unplaced('s.place', 'null')}, '') else"
            f" {_unplaced('s.search', 's.search_unplaced')} end",
        },
    ),
    "dataset": _changed(
        tables.dataset,
        _strictest("datasets", "s.id"),
        {"contact_id": _unless("Dataset.contactPoint", "s.contact_id", "null")},
    ),
    "distribution": _changed(tables.distribution, _strictest("datasets", "s.dataset_id"), {})
    + " where not 'Dataset.distributions' = any(ob.without)",
}
