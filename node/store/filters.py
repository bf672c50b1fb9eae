"""Filters of the API as SQL conditions. `{t}` is the alias of the row that is filtered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from node.store.sql import Parameters
from schema.errors import BadInput
from schema.ids import parse_id

MAX_TEXT = 200
MAX_VALUES = 1_000

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Builder:
    """Turns a filter into conditions, with values as parameters."""

    city: str
    parameters: Parameters

    def ids(self, values: list[str], kind: str, argument: str) -> str:
        """The keys of those ids that are this city's, as an array parameter."""
        parsed = [parse_id(value, kind=kind, argument=argument) for value in self.bounded(values, argument)]
        return self.parameters.add([one.key for one in parsed if one.city == self.city], "text[]")

    def texts(self, values: list[str], argument: str) -> str:
        """An array parameter."""
        return self.parameters.add(list(self.bounded(values, argument)), "text[]")

    def text(self, value: str, argument: str) -> str:
        """A text parameter; PostgreSQL has no NUL."""
        if len(value) > MAX_TEXT or "\x00" in value:
            raise BadInput(f"{argument}: must be at most {MAX_TEXT} characters, without NUL", hint="shorten the text")
        return self.parameters.add(value, "text")

    def time(self, value: str) -> str:
        """A time parameter."""
        return self.parameters.add(datetime.fromisoformat(value), "timestamptz")

    def interval(self, value: Values, argument: str) -> tuple[str, str]:
        """Start and end as parameters."""
        if datetime.fromisoformat(value["start"]) >= datetime.fromisoformat(value["end"]):
            raise BadInput(
                f"{argument}: start {value['start']} is not before end {value['end']}",
                hint="the interval is from start (inclusive) to end (exclusive)",
            )
        return self.time(value["start"]), self.time(value["end"])

    def box(self, value: Values, longitude: str, latitude: str) -> str:
        """The point lies in the box."""
        west, south, east, north = self.corners(value)
        return f"{longitude} between {west} and {east} and {latitude} between {south} and {north}"

    def corners(self, value: Values) -> tuple[str, str, str, str]:
        """West, south, east, north as parameters."""
        if not (-180 <= value["west"] <= value["east"] <= 180 and -90 <= value["south"] <= value["north"] <= 90):
            raise BadInput(
                "filter.bbox: is not a box in WGS 84 degrees",
                hint="west <= east within -180 to 180, south <= north within -90 to 90",
            )
        west, south, east, north = (self.parameters.add(value[side], "float8") for side in _SIDES)
        return west, south, east, north

    @staticmethod
    def bounded(values: list[str], argument: str) -> list[str]:
        """At most MAX_VALUES values without NUL."""
        if len(values) > MAX_VALUES or any("\x00" in value for value in values):
            raise BadInput(f"{argument}: at most {MAX_VALUES} values, without NUL", hint="ask in several requests")
        return values


_SIDES = ("west", "south", "east", "north")


def _dataset(build: Builder, name: str, value: Any) -> str:
    match name:
        case "ids":
            return f"{{t}}.key = any({build.ids(value, 'dataset', 'filter.ids')})"
        case "text":
            return f"{{t}}.search @@ websearch_to_tsquery('german', {build.text(value, 'filter.text')})"
        case "themes" | "keywords":
            return f"{{t}}.{name} && {build.texts(value, f'filter.{name}')}"
        case "tiers":
            return f"{{t}}.tier::text = any({build.texts(value, 'filter.tiers')})"
        case "publishers":
            names = build.texts(value, "filter.publishers")
            return f"{{t}}.publisher_id in (select id from publisher where name = any({names}))"
        case "observedProperties":
            keys = build.texts(value, "filter.observedProperties")
            return (
                "exists (select from datastream s join observed_property y on y.id = s.observed_property_id"
                f" where s.dataset_id = {{t}}.id and y.key = any({keys}))"
            )
        case "bbox":
            west, south, east, north = build.corners(value)
            return (
                f"(({{t}}.west <= {east} and {{t}}.east >= {west}"
                f" and {{t}}.south <= {north} and {{t}}.north >= {south})"
                " or exists (select from datastream s join thing b on b.id = s.thing_id where s.dataset_id = {t}.id"
                f" and b.longitude between {west} and {east} and b.latitude between {south} and {north}))"
            )
        case "temporal":
            start, end = build.interval(value, "filter.temporal")
            return (
                "coalesce({t}.temporal_start, {t}.temporal_end) is not null"
                f" and coalesce({{t}}.temporal_start, '-infinity') < {end}"
                f" and coalesce({{t}}.temporal_end, 'infinity') >= {start}"
            )
        case "modifiedSince":
            return f"{{t}}.modified >= {build.time(value)}"
    raise AssertionError(name)


def _thing(build: Builder, name: str, value: Any) -> str:
    match name:
        case "ids":
            return f"{{t}}.key = any({build.ids(value, 'thing', 'filter.ids')})"
        case "text":
            return f"position(lower({build.text(value, 'filter.text')}) in lower({{t}}.name)) > 0"
        case "bbox":
            return build.box(value, "{t}.longitude", "{t}.latitude")
        case "observedProperties":
            keys = build.texts(value, "filter.observedProperties")
            return (
                "exists (select from datastream s join observed_property y on y.id = s.observed_property_id"
                f" where s.thing_id = {{t}}.id and s.dataset_id = any({{readable}}) and y.key = any({keys}))"
            )
    raise AssertionError(name)


def _datastream(build: Builder, name: str, value: Any) -> str:
    match name:
        case "ids" | "datastreams":
            return f"{{t}}.key = any({build.ids(value, 'datastream', f'filter.{name}')})"
        case "datasets":
            keys = build.ids(value, "dataset", "filter.datasets")
            return f"{{t}}.dataset_id in (select id from dataset where key = any({keys}))"
        case "things":
            keys = build.ids(value, "thing", "filter.things")
            return f"{{t}}.thing_id in (select id from thing where key = any({keys}))"
        case "observedProperties":
            keys = build.texts(value, "filter.observedProperties")
            return f"{{t}}.observed_property_id in (select id from observed_property where key = any({keys}))"
        case "vehicleClasses":
            return f"{{t}}.vehicle_class = any({build.texts(value, 'filter.vehicleClasses')})"
        case "bbox":
            box = build.box(value, "b.longitude", "b.latitude")
            return f"exists (select from thing b where b.id = {{t}}.thing_id and {box})"
    raise AssertionError(name)


def _observation(build: Builder, name: str, value: Any) -> str:
    if name == "qualities":
        return f"{{t}}.quality::text = any({build.texts(value, 'filter.qualities')})"
    return _datastream(build, name, value).replace("{t}.", "{t}s.")  # its datastream's alias in `node.store.lists`


def _access(build: Builder, name: str, value: Any) -> str:
    match name:
        case "cities":
            cities = build.texts(value, "filter.cities")
            return f"({{t}}.caller_city = any({cities}) or {{t}}.counterpart = any({cities}))"
        case "datasets":
            return f"{{t}}.datasets && {build.texts(value, 'filter.datasets')}"
        case "applications" | "purposes" | "decisions" | "traceIds":
            return f"{{t}}.{_RECORD_COLUMNS[name]} = any({build.texts(value, f'filter.{name}')})"
        case "during":
            start, end = build.interval(value, "filter.during")
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
    if (during := arguments.get("during")) is not None:
        start, end = build.interval(during, "during")
        yield f"{{t}}.phenomenon_time >= {start} and {{t}}.phenomenon_time < {end}"
