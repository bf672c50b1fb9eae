"""Filters of the API as SQL conditions. `{t}` is the alias of the row that is filtered.

A condition depends on which arguments are given, never on their values: those are bound for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from node.store.arguments import Builder, Values


def _dataset(build: Builder, name: str, value: Any) -> str:
    match name:
        case "ids":
            return f"{{t}}.key = any({build.ids('filter.ids', 'dataset')})"
        case "text":
            return f"{{t}}.search @@ websearch_to_tsquery('german', {build.text('filter.text')})"
        case "themes" | "keywords":
            return f"{{t}}.{name} && {build.texts(f'filter.{name}')}"
        case "tiers":
            return f"{{t}}.tier::text = any({build.texts('filter.tiers')})"
        case "publishers":
            names = build.texts("filter.publishers")
            return f"{{t}}.publisher_id in (select id from publisher where name = any({names}))"
        case "observedProperties":
            keys = build.texts("filter.observedProperties")
            return (
                "exists (select from datastream s join observed_property y on y.id = s.observed_property_id"
                f" where s.dataset_id = {{t}}.id and y.key = any({keys}))"
            )
        case "bbox":
            west, south, east, north = build.corners("filter.bbox")
            return (
                f"(({{t}}.west <= {east} and {{t}}.east >= {west}"
                f" and {{t}}.south <= {north} and {{t}}.north >= {south})"
                " or exists (select from datastream s join thing b on b.id = s.thing_id where s.dataset_id = {t}.id"
                f" and b.longitude between {west} and {east} and b.latitude between {south} and {north}))"
            )
        case "temporal":
            start, end = build.interval("filter.temporal")
            return (
                "coalesce({t}.temporal_start, {t}.temporal_end) is not null"
                f" and coalesce({{t}}.temporal_start, '-infinity') < {end}"
                f" and coalesce({{t}}.temporal_end, 'infinity') >= {start}"
            )
        case "modifiedSince":
            return f"{{t}}.modified >= {build.time('filter.modifiedSince')}"
    raise AssertionError(name)


def _thing(build: Builder, name: str, value: Any) -> str:
    match name:
        case "ids":
            return f"{{t}}.key = any({build.ids('filter.ids', 'thing')})"
        case "text":
            return f"position(lower({build.text('filter.text')}) in lower({{t}}.name)) > 0"
        case "bbox":
            return _in_box(build, "{t}.longitude", "{t}.latitude")
        case "observedProperties":
            keys = build.texts("filter.observedProperties")
            return (
                "exists (select from datastream s join observed_property y on y.id = s.observed_property_id"
                f" where s.thing_id = {{t}}.id and s.dataset_id = any({{readable}}) and y.key = any({keys}))"
            )
    raise AssertionError(name)


def _datastream(build: Builder, name: str, value: Any) -> str:
    match name:
        case "ids" | "datastreams":
            return f"{{t}}.key = any({build.ids(f'filter.{name}', 'datastream')})"
        case "datasets":
            keys = build.ids("filter.datasets", "dataset")
            return f"{{t}}.dataset_id in (select id from dataset where key = any({keys}))"
        case "things":
            keys = build.ids("filter.things", "thing")
            return f"{{t}}.thing_id in (select id from thing where key = any({keys}))"
        case "observedProperties":
            keys = build.texts("filter.observedProperties")
            return f"{{t}}.observed_property_id in (select id from observed_property where key = any({keys}))"
        case "vehicleClasses":
            return f"{{t}}.vehicle_class = any({build.texts('filter.vehicleClasses')})"
        case "bbox":
            box = _in_box(build, "b.longitude", "b.latitude")
            return f"exists (select from thing b where b.id = {{t}}.thing_id and {box})"
    raise AssertionError(name)


def _observation(build: Builder, name: str, value: Any) -> str:
    if name == "qualities":
        return f"{{t}}.quality::text = any({build.texts('filter.qualities')})"
    return _datastream(build, name, value).replace("{t}.", "{p}.")  # its datastream's alias in `node.store.lists`


def _in_box(build: Builder, longitude: str, latitude: str) -> str:
    west, south, east, north = build.corners("filter.bbox")
    return f"{longitude} between {west} and {east} and {latitude} between {south} and {north}"


def _access(build: Builder, name: str, value: Any) -> str:
    match name:
        case "cities":
            cities = build.texts("filter.cities")
            return f"({{t}}.caller_city = any({cities}) or {{t}}.counterpart = any({cities}))"
        case "datasets":
            return f"{{t}}.datasets && {build.texts('filter.datasets')}"
        case "applications" | "purposes" | "decisions" | "traceIds":
            return f"{{t}}.{_RECORD_COLUMNS[name]} = any({build.texts(f'filter.{name}')})"
        case "during":
            start, end = build.interval("filter.during")
            return f"{{t}}.at >= {start} and {{t}}.at < {end}"
    raise AssertionError(name)


_RECORD_COLUMNS = {
    "applications": "application",
    "purposes": "purpose",
    "decisions": "decision",
    "traceIds": "trace_id",
}
_FILTERS: Mapping[str, Callable[[Builder, str, Any], str]] = {
    "Dataset": _dataset,
    "Thing": _thing,
    "Datastream": _datastream,
    "Observation": _observation,
    "AccessRecord": _access,
}


def conditions(type_name: str, arguments: Values, build: Builder) -> Iterator[str]:
    """The conditions of a list's `filter` and `during` arguments.

    Raises:
        BadInput: a value can't be used.
    """
    for name, value in (arguments.get("filter") or {}).items():
        if value is not None:
            yield _FILTERS[type_name](build, name, value)
    if arguments.get("during") is not None:
        start, end = build.interval("during")
        yield f"{{t}}.phenomenon_time >= {start} and {{t}}.phenomenon_time < {end}"
