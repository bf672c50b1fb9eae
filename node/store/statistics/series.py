"""Compile `series`: datastreams in columns, their observations as they are or one value for each bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from node.store.draft import EPOCH, Draft
from node.store.objects import object_json
from node.store.parameters import Inputs, Path, Statement
from node.store.reach import denied
from node.store.sql import LARGEST, all_of, json_object, json_text, literal
from node.store.statistics.answers import VISIBLE, bounded, large_object, touched
from node.store.statistics.cells import IS_NUMBER, cell_tables
from node.store.statistics.frame import Frame, buckets_of, frame_of, frame_table
from node.store.statistics.lines import groups_table, lines_table
from node.store.statistics.measures import AVG, Measures, number_json
from schema.errors import TooCostly
from schema.estimates import LONGEST_SERIES
from schema.selection import TYPENAME, Field
from schema.types.enums import Quality

_COUNTS = "bool_or(observation_type like '%/OM_CountObservation')"
_TRUST = ("CHECKED", "RAW", "ESTIMATED", "SUSPECT")
_RANK = " ".join(f"when '{quality}' then {rank}" for rank, quality in enumerate(_TRUST, 1))
_QUALITY = " ".join(f"""when {rank} then '"{quality}"'""" for rank, quality in enumerate(_TRUST, 1))
_ORDER = " order by s.g"
_MEAN = f"({AVG.format(c='cells')})"
_FINITE = f"case when o.result between -{LARGEST} and {LARGEST} then o.result::text else 'null' end"
_NAMES = " ".join(f"""when '{quality.name}' then '"{quality.name}"'""" for quality in Quality)
_RAW: Mapping[str, str] = {  # each the fastest of several ways
    "times": "json_agg(o.phenomenon_time)::text",
    "ends": "json_agg(o.phenomenon_end)::text",
    "values": f"'[' || string_agg({_FINITE}, ',') || ']'",
    "qualities": f"'[' || string_agg(case o.quality {_NAMES} end, ',') || ']'",
}


def compile_series(draft: Draft) -> Statement:
    """The statement of `series`; columns as `node.store.results` says. Rows are values."""
    root, build = draft.root, draft.arguments_of(draft.root)
    keys = build.ids("datastreams", "datastream")
    room = draft.parameters.add(_room, "int")
    frame = frame_of(build, root.arguments)
    selected = list(root.children_named("series"))
    of_datastream = draft.fill(VISIBLE, "o", parent="s")
    chosen = (
        f"chosen as materialized (select s.*, k.at as g, {frame.longest} > 0 and coalesce(s.interval_seconds >"
        f" {frame.longest}, false) as coarse from (select key, min(at) as at from unnest({keys}) with ordinality"
        f" k (key, at) group by key) k join datastream s on s.key = k.key where {of_datastream} and {room} > 0)"
    )
    tables = [chosen]
    wanted = {child.name for one in selected for child in one.children}
    quality = f"o.quality::text = any({build.texts('qualities')})" if _has(root, "qualities") else ""
    if _has(root, "every"):
        tables += _bucket_tables(root, frame, wanted, [IS_NUMBER, *filter(None, [quality])])
        source, count = "chosen s left join lines l on l.g = s.g", f"count(*) * {frame.count}"
        rows = _Rows(source, _bucket_values(root), count, _ORDER)
    else:
        rows = _raw_rows(wanted, [frame.now.within, *filter(None, [quality])], room)
    lists = {f"json_{n}": _listed(one, rows, draft) for n, one in enumerate(selected)}
    page = ", ".join([f"{rows.count} as count_", *(f"{json} as {name}" for name, json in lists.items())])
    members = [(one.key, f"concat('[', {name}, ']')") for name, one in zip(lists, selected, strict=True)]
    members += [(child.key, literal(f'"{root.type_name}"')) for child in root.children if child.name == TYPENAME]
    json, too_large = bounded(draft.limits.answer_bytes)
    columns = [
        json,
        "count_",
        touched(draft),
        denied("Observation", {"Datastream": keys}, draft),
        EPOCH,
        too_large,
    ]
    whole = members[0][1] if len(members) == 1 and selected else json_object(members)
    source = f"(select {page} from {rows.source}) page cross join lateral (select {whole} as json_ offset 0) whole"
    return draft.parameters.statement(f"with {', '.join(tables)} select {', '.join(columns)} from {source}")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where series come from: datastream `s`, its columns `l`; JSON text by field; how many values; their order."""

    source: str
    values: Mapping[str, str]
    count: str
    order: str = ""


def _has(root: Field, argument: str) -> bool:
    return root.arguments.get(argument) is not None


def _room(inputs: Inputs) -> int:
    """How many values each series may have.

    Raises:
        TooCostly: buckets are never cut off, and there are too many.
    """
    arguments = inputs.root.arguments
    asked = max(1, len(set(arguments["datastreams"])))
    if arguments.get("every") is not None:
        count = buckets_of(arguments).count * asked
        if count > LONGEST_SERIES:
            raise TooCostly(
                f"every: {asked} datastreams have {count} buckets in `during`; the limit is {LONGEST_SERIES}",
                hint="choose a longer `every`, a shorter `during`, or fewer datastreams",
            )
    return min(LONGEST_SERIES // asked, inputs.scope.most_rows)


def _raw_rows(wanted: set[str], conditions: list[str], room: str) -> _Rows:
    """Observations as they are. The columns can be large, so they are neither kept nor sorted on their way."""
    columns = "".join(f", {_RAW[name]} as {name}_" for name in _RAW if name in wanted)
    matching = f"from observation o where o.datastream_id = s.id and {all_of(conditions)} order by o.phenomenon_time"
    values = {
        **{name: f"coalesce(l.{name}_, '[]')" for name in _RAW},
        "truncated": f"(l.count >= {room} and exists (select {matching} offset {room} limit 1))::text",
        "tooCoarse": literal("false"),
        "statistic": literal("null"),
    }
    source = (
        "(select * from chosen order by g) s cross join lateral"
        f" (select count(*) as count{columns} from (select o.* {matching} limit {room}) o) l"
    )
    return _Rows(source, values, "sum(l.count)::bigint")


def _bucket_tables(root: Field, frame: Frame, wanted: set[str], usable: list[str]) -> Iterator[str]:
    statistic = root.arguments.get("statistic")
    names = {"SUM", "AVG"} if statistic is None else {statistic}
    at: dict[Path, str] = {(): "0.5::float8"} if statistic == "MEDIAN" else {}
    measures = Measures(frame.now, frozenset(name.lower() for name in names), at)
    columns = measures.columns if "values" in wanted else {}
    if "qualities" in wanted:
        columns["quality"] = f"max(case x.quality {_RANK} end)"
    yield groups_table({"counts": _COUNTS})
    yield "fitting as materialized (select id, g, interval_seconds from chosen where not coarse)"
    yield frame_table(frame.now, frame.numbers)
    yield from cell_tables(frame.now, columns, all_of(usable), frame.longest, covered=False)
    listed = {"none_": "''"}
    if "values" in wanted:
        listed["values_"] = _value(statistic)
    if "qualities" in wanted:
        listed["qualities_"] = f"case cells.quality {_QUALITY} else '\"MISSING\"' end"
    yield lines_table(listed, measures, None, "true", extra="counts")


def _value(statistic: str | None) -> str:
    match statistic:
        case None:
            return number_json(f"case when frame.counts then cells.sum else {_MEAN} end")
        case "COUNT":
            return "coalesce(cells.count, 0)::text"
        case "AVG":
            return number_json(_MEAN)
        case "MEDIAN":
            return number_json("cells.quantiles[1]")
        case name:
            return number_json(f"cells.{name.lower()}")


def _bucket_values(root: Field) -> Mapping[str, str]:
    statistic = root.arguments.get("statistic")
    by_type = "case when s.observation_type like '%/OM_CountObservation' then '\"SUM\"' else '\"AVG\"' end"
    return {
        "times": "'[' || (select string_agg(start_json, ',' order by i) from frame) || ']'",
        "ends": "'[' || (select string_agg(finish_json, ',' order by i) from frame) || ']'",
        "values": "'[' || l.values_ || ']'",
        "qualities": "'[' || l.qualities_ || ']'",
        "truncated": literal("false"),
        "tooCoarse": "s.coarse::text",
        "statistic": by_type if statistic is None else json_text(literal(f"{statistic}") + "::text"),
    }


def _listed(series: Field, rows: _Rows, draft: Draft) -> str:
    """The elements of a list of series as JSON text; null for none."""

    def value(child: Field) -> str:
        if child.name == "datastream":
            return object_json("s", child, draft)
        return literal(f'"{series.type_name}"') if child.name == TYPENAME else rows.values[child.name]

    return f"string_agg({large_object((child.key, value(child)) for child in series.children)}, ','{rows.order})"
