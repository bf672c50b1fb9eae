"""Compile `aggregate`: groups of datastreams, each with all buckets of the time asked for."""

from __future__ import annotations

from collections.abc import Iterator

from node.store.draft import EPOCH, Draft
from node.store.filters import condition
from node.store.mapping import TYPES
from node.store.objects import object_json
from node.store.parameters import BY_VALUES, GENERIC, Path, Statement
from node.store.reach import denied, named_keys
from node.store.sql import all_of, json_array, json_object, json_text, literal, selected
from node.store.statistics.answers import VISIBLE, bounded, one_json, touched
from node.store.statistics.cells import IS_NUMBER, cell_tables
from node.store.statistics.frame import Frame, frame_of, frame_table
from node.store.statistics.lines import groups_table, lines_table
from node.store.statistics.measures import Measures, Selected, bucket_json, children_of, measures_of
from schema.estimates import MOST_TOO_COARSE
from schema.selection import TYPENAME, Field

MAX_GROUPS = 10_000
MAX_CELLS = 100_000
_KEYS = {
    "THING": "(select b.key from thing b where b.id = s.thing_id)",
    "DATASTREAM": "s.key",
    "VEHICLE_CLASS": 's.vehicle_class collate "C"',
    "DIRECTION": 's.direction collate "C"',
}
_ALWAYS = ("(select p.key from observed_property p where p.id = s.observed_property_id)", 's.unit collate "C"')
_FITS = "(select fits from size)"
_REFUSAL = (
    f"format('it has %s groups with %s buckets each; the limits are {MAX_GROUPS} groups and {MAX_CELLS} buckets of all"
    " groups together', groups, buckets)"
)


def _common(column: str) -> str:
    """The value that all datastreams of a group have, or null."""
    return f"case when count({column}) = count(*) and min({column}) = max({column}) then min({column}) end"


_GROUP_COLUMNS = {
    "observed_property_id": "min(observed_property_id)",
    "unit": "min(unit)",
    "thing_id": _common("thing_id"),
    "datastream_id": _common("id"),
    "vehicle_class": _common("vehicle_class"),
    "direction": _common("direction"),
    "too_coarse": "array_agg(id) filter (where coarse)",
}
_GROUP_OBJECTS = {
    "observedProperty": TYPES["Datastream"].relations["observedProperty"],
    "thing": TYPES["Datastream"].relations["thing"],
    "datastream": TYPES["Observation"].relations["datastream"],
}
_GROUP_VALUES = {
    "city": json_text("{city}"),
    "cities": "json_build_array({city})::text",
    "unit": json_text("y.unit"),
    "vehicleClass": "coalesce(to_json(y.vehicle_class)::text, 'null')",
    "direction": "coalesce(to_json(y.direction)::text, 'null')",
    "datastreamCount": "y.members::text",
}


def compile_aggregate(draft: Draft) -> Statement:
    """The statement of `aggregate`; columns as `node.store.results` says. Rows are the buckets of all groups.

    Where the groups or the buckets are too many, nothing is read, and the sixth column tells how many there would be.
    """
    root, build = draft.root, draft.arguments_of(draft.root)
    frame = frame_of(build, root.arguments)
    groups = [part for part in children_of(root, ()) if part[0].name == "groups"]
    buckets = [part for group in groups for part in children_of(*group) if part[0].name == "buckets"]
    previous = [part for bucket in buckets for part in children_of(*bucket) if part[0].name == "previous"]
    now = measures_of(frame.now, buckets, build)
    before = measures_of(frame.before, previous, build) if frame.before is not None and previous else None
    tables = _tables(draft, frame, buckets, now, before)
    members = [(group.key, _groups_json(group, path, draft, lines=bool(buckets))) for group, path in groups]
    members += [(child.key, literal(f'"{root.type_name}"')) for child in root.children if child.name == TYPENAME]
    named = named_keys("Observation", draft)
    json, too_large = bounded(draft.limits.answer_bytes)
    columns = [
        json,
        f"(select cells from size where {_FITS})",
        touched(draft),
        denied("Observation", named, draft),
        EPOCH,
        f"coalesce((select {_REFUSAL} from size where not fits), {too_large})",
    ]
    whole = members[0][1] if len(members) == 1 and groups else json_object(members)
    sql = f"with {', '.join(tables)} select {', '.join(columns)} from (select {whole} as json_ offset 0) whole"
    # to plan costs more than a few datastreams do; of all of them, parallel workers read more than it costs
    return draft.parameters.statement(sql, plan=GENERIC if named else BY_VALUES)


def _tables(
    draft: Draft, frame: Frame, buckets: list[Selected], now: Measures, before: Measures | None
) -> Iterator[str]:
    root, build = draft.root, draft.arguments_of(draft.root)
    values = {name: value for name, value in (root.arguments.get("filter") or {}).items() if value is not None}
    filters = [condition("Observation", build, name, value) for name, value in values.items()]
    of_datastream = [VISIBLE, *(text for text in filters if "{t}." not in text)]
    usable = [IS_NUMBER, *(text for text in filters if "{t}." in text)]
    keys = ", ".join([*_ALWAYS, *(_KEYS[name] for name in dict.fromkeys(root.arguments["groupBy"]) if name in _KEYS)])
    yield (
        f"chosen as materialized (select s.*, dense_rank() over (order by {keys}) as g, {frame.longest} > 0"
        f" and coalesce(s.interval_seconds > {frame.longest}, false) as coarse from datastream s"
        f" where {all_of([draft.fill(text, 'o', parent='s') for text in of_datastream])})"
    )
    yield groups_table(_GROUP_COLUMNS)
    yield (
        f"size as materialized (select count(*) as groups, count(*) * {frame.count} as cells, {frame.count} as buckets,"
        f" count(*) <= {MAX_GROUPS} and count(*) * {frame.count} <= {MAX_CELLS} as fits from groups)"
    )
    if not buckets:
        return
    yield f"fitting as materialized (select id, g, interval_seconds from chosen where not coarse and {_FITS})"
    for measures, numbers in ((now, frame.numbers), (before, "null::int[]")):
        if measures is not None:
            yield frame_table(measures.period, numbers)
            condition_ = all_of([draft.fill(text, "o", parent="s") for text in usable])
            yield from cell_tables(
                measures.period, measures.columns, condition_, frame.longest, covered=measures.covered
            )
    columns = {_column(path): bucket_json(bucket, path, now, before) for bucket, path in buckets}
    yield lines_table(columns, now, before, _FITS)


def _column(path: Path) -> str:
    return "json_" + "_".join(map(str, path))


def _groups_json(group: Field, path: Path, draft: Draft, *, lines: bool) -> str:
    """The JSON array of the groups."""
    row = json_object((child.key, _group_value(child, at, draft)) for child, at in children_of(group, path))
    source = "groups y full join lines l on l.g = y.g" if lines else "groups y"
    return (
        f"'[' || coalesce((select string_agg({row}, ',' order by y.g) filter (where y.g is not null) from {source}"
        f" where {_FITS}), '') || ']'"
    )


def _group_value(child: Field, path: Path, draft: Draft) -> str:
    if child.name == "buckets":
        return f"'[' || coalesce(l.{_column(path)}, '') || ']'"
    if child.name == "tooCoarse":
        source = f"select d.* from datastream d where d.id = any(y.too_coarse) order by d.key limit {MOST_TOO_COARSE}"
        return selected(json_array(object_json("d", child, draft)), f"({source}) d")
    if child.name in _GROUP_OBJECTS:
        return one_json(_GROUP_OBJECTS[child.name], "y", child, draft)
    if child.name == TYPENAME:
        return literal(f'"{child.type_name}"')
    return draft.fill(_GROUP_VALUES[child.name], "y")
