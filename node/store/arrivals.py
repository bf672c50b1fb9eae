"""Read observations in the order in which they arrived: first which there are, then themselves.

What has arrived under obligations is read once its step is over and its delay has passed (`ripe_at`, in the view of
`node.store.obliged`): then the step is released as a whole, as queries see it, and not as it grows. Arrivals stand in
one order, so what is not ripe holds up what came after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from psycopg.pq.abc import PGresult

from node.store.draft import EPOCH, Draft
from node.store.lists import LISTS
from node.store.objects import object_json
from node.store.parameters import ID_ARRAY, Arrived, Inputs, Statement
from node.store.reach import crosses, denied
from node.store.sql import json_array
from node.store.statistics.answers import VISIBLE
from schema.weights import BATCH

NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What has arrived after a position, up to `until`.

    `found` is None if it is nothing. `more`: there is more after `until`. `missed`: some of what came after the
    position is forgotten. `ripe_in`: seconds until something may be read that may not yet. `series`: ids of the
    datastreams by key, of those that the caller may see; `denied`: keys of datasets that are named but denied.
    """

    until: int
    found: Arrived | None
    more: bool
    missed: bool
    ripe_in: float | None
    series: Mapping[str, int]
    denied: frozenset[str]
    epoch: int


def compile_arrivals(draft: Draft, *, is_start: bool, is_obliged: bool) -> Statement:
    """Which observations have arrived after a position; at the start, the position of what is there already."""
    keys = draft.arguments_of(draft.root).ids("datastreams", "datastream")
    visible = draft.fill(VISIBLE, "o", parent="s")
    after = "0::bigint" if is_start else draft.parameters.add(_after, "bigint")
    ripe = "ripe_at" if is_obliged else "null::timestamptz as ripe_at"
    named = f"named as materialized (select s.id, s.key from datastream s where s.key = any({keys}) and {visible})"
    ids = "array(select id from named)"
    if is_start:
        ready = " and ripe_at <= now()" if is_obliged else ""
        last = (
            "select max(last.id) from named cross join lateral (select id from arrival"
            f" where datastream_id = named.id{ready} order by id desc limit 1) last"
        )
        tables = [named, f"taken as (select null::bigint as id, null::bigint as last where false), place as ({last})"]
        until = "greatest((select max from place), (select until from arrival_horizon))"
    else:
        waiting = (
            f"select id, datastream_id, times, {ripe} from arrival"
            f" where id > {after} and datastream_id = any({ids}) order by id limit {BATCH}"
        )
        ready = (
            "select *, sum(cardinality(times)) over (order by id) as so_far from waiting"
            f" where id < coalesce((select min(id) from waiting where ripe_at > now()), {NEVER})"
        )
        tables = [
            named,
            f"waiting as materialized ({waiting})",
            f"ready as materialized ({ready})",
            f"taken as materialized (select * from ready where so_far <= {BATCH})",
            "pair as (select distinct datastream_id as id, at from taken cross join unnest(times) at)",
        ]
        until = f"coalesce((select max(id) from taken), {after})"
    columns = [until, "(select json_object_agg(key, id) from named)", "(select until from arrival_horizon) > " + after]
    if not is_start:
        columns += [
            f"(select count(*) from ready) > (select count(*) from taken) or (select count(*) from waiting) = {BATCH}",
            "(select extract(epoch from min(ripe_at) - now()) from waiting where ripe_at > now())",
            "(select array_agg(id) from pair)",
            "(select array_agg(at) from pair)",
            "(select min(at) from pair)",
            "(select max(at) from pair)",
        ]
    columns += [denied("Observation", {"Datastream": keys}, draft), EPOCH]
    return draft.parameters.statement(f"with {', '.join(tables)} select {', '.join(columns)}")


def arrivals_in(result: PGresult, denied: frozenset[str]) -> Arrivals:
    """Read the one row of `compile_arrivals`."""
    values = [result.get_value(0, column) for column in range(result.nfields)]
    until, series, missed, *others = values[:-2]
    found, more, ripe_in = None, False, None
    if others:
        more, ripe_in = others[0] == b"t", None if others[1] is None else float(others[1])
        ids, times, since, last = others[2:]
        if ids is not None and times is not None and since is not None and last is not None:
            found = Arrived(ids, times, since, last)
    return Arrivals(
        until=int(until or 0),
        found=found,
        more=more,
        missed=bool(others) and missed == b"t",
        ripe_in=ripe_in,
        series=orjson.loads(series) if series is not None else {},
        denied=denied,
        epoch=int(values[-1] or 0),
    )


def compile_arrived(draft: Draft) -> Statement:
    """These observations. Columns: JSON of each `nodes`, their number, ids of their datasets (an array), epoch."""
    root = draft.root
    listed = LISTS["Observation"]
    ids = draft.parameters.add_text(lambda inputs: _arrived(inputs).ids, ID_ARRAY)
    times = draft.parameters.add_text(lambda inputs: _arrived(inputs).times, "timestamptz[]")
    rows = (
        f"select {draft.fill(listed.columns, 'o', parent='s')} from unnest({ids}, {times}) a (id, at)"
        " join datastream s on s.id = a.id join observation o on o.datastream_id = a.id and o.phenomenon_time = a.at"
        f" where {draft.fill(VISIBLE, 'o', parent='s')} order by o.phenomenon_time, s.key"
    )
    nodes = tuple(root.children_named("nodes"))
    arrays = [json_array(object_json("t", node, draft)) for node in nodes]
    touched = draft.names["readable_ids"] if crosses(root) else "array_agg(distinct t.dataset_id)"
    columns = [*arrays, "count(*)", touched, EPOCH]
    return draft.parameters.statement(f"select {', '.join(columns)} from ({rows}) t", nodes)


def _arrived(inputs: Inputs) -> Arrived:
    assert inputs.arrived is not None
    return inputs.arrived


def _after(inputs: Inputs) -> int:
    return inputs.position
