"""Filters in plain Python: each argument makes a predicate, or raises BadInput."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from schema.errors import BadInput
from schema.ids import parse_id
from tests.oracle.lists import Observed, metres
from tests.oracle.view import View
from tests.oracle.world import CITY, Dataset, Datastream, Thing

MAX_VALUES = 1_000
MAX_METRES = 1_000_000

Predicate = Callable[[Any], bool]


def predicates(view: View, type_name: str, arguments: Mapping[str, Any]) -> list[Predicate]:
    """What a row of this type must fulfil.

    Raises:
        BadInput: a value can't be used.
    """
    return list(_predicates(view, type_name, arguments))


def _predicates(view: View, type_name: str, arguments: Mapping[str, Any]) -> Iterator[Predicate]:
    for name, value in (arguments.get("filter") or {}).items():
        if value is not None:
            yield _FILTERS[type_name](view, name, value)
    if (during := arguments.get("during")) is not None:
        start, end = _interval(during)
        yield lambda observed: start <= observed.observation.time < end


def _keys(ids: list[str], kind: str) -> set[str]:
    parsed = [parse_id(one, kind=kind, argument="filter") for one in _bounded(ids)]
    return {one.key for one in parsed if one.city == CITY}


def _bounded(values: list[str]) -> list[str]:
    if len(values) > MAX_VALUES or any("\x00" in value for value in values):
        raise BadInput("values")
    return values


def _interval(value: Mapping[str, datetime]) -> tuple[datetime, datetime]:
    if value["start"] >= value["end"]:
        raise BadInput("interval")
    return value["start"], value["end"]


def _corners(box: Mapping[str, float]) -> tuple[float, float, float, float]:
    west, south, east, north = (box[side] for side in ("west", "south", "east", "north"))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadInput("bbox")
    return west, south, east, north


def _stands_in(box: Mapping[str, float]) -> Callable[[Thing], bool]:
    west, south, east, north = _corners(box)
    return lambda thing: (
        thing.location is not None and west <= thing.location[0] <= east and south <= thing.location[1] <= north
    )


def _touches(box: Mapping[str, float]) -> Callable[[Dataset], bool]:
    west, south, east, north = _corners(box)

    def touches(dataset: Dataset) -> bool:
        if dataset.bbox is None:
            return False
        its_west, its_south, its_east, its_north = dataset.bbox
        return its_west <= east and its_east >= west and its_south <= north and its_north >= south

    return touches


def _overlaps(interval: Mapping[str, datetime]) -> Callable[[Dataset], bool]:
    start, end = _interval(interval)
    return lambda dataset: (
        (dataset.temporal_start is not None or dataset.temporal_end is not None)
        and (dataset.temporal_start is None or dataset.temporal_start < end)
        and (dataset.temporal_end is None or dataset.temporal_end >= start)
    )


def _near(value: Mapping[str, float]) -> Callable[[Thing], bool]:
    if not (-180 <= value["longitude"] <= 180 and -90 <= value["latitude"] <= 90):
        raise BadInput("near")
    if not 0 < value["radiusMetres"] <= MAX_METRES:
        raise BadInput("radiusMetres")
    return lambda thing: thing.location is not None and metres(value, thing) <= value["radiusMetres"]


def _within(value: Mapping[str, Any], low: str, high: str) -> Callable[[Any], bool]:
    lowest, highest = value.get(low), value.get(high)
    if lowest is not None and highest is not None and lowest > highest:
        raise BadInput("range")

    def within(found: Any) -> bool:
        if found is None or (lowest is not None and found < lowest):
            return False
        return highest is None or found < highest or (high == "max" and found == highest)

    return within


def _was_active(value: Mapping[str, Any]) -> Callable[[Datastream], bool]:
    start, end = value.get("start"), value.get("end")
    if start is not None and end is not None and start > end:
        raise BadInput("range")
    return lambda stream: (
        stream.phenomenon_start is not None
        and (end is None or stream.phenomenon_start < end)
        and (start is None or (stream.phenomenon_end or stream.phenomenon_start) >= start)
    )


def _dataset(view: View, name: str, value: Any) -> Predicate:
    match name:
        case "ids":
            keys = _keys(value, "dataset")
            return lambda dataset: dataset.key in keys
        case "themes" | "keywords" | "languages":
            wanted = set(_bounded(value))
            return lambda dataset: not wanted.isdisjoint(getattr(dataset, name))
        case "tiers":
            return lambda dataset: dataset.tier in value
        case "accrualPeriodicities":
            _bounded(value)
            return lambda dataset: dataset.accrual_periodicity in value
        case "hvdCategories":
            _bounded(value)
            return lambda dataset: dataset.hvd_category in value
        case "isHighValue":
            return lambda dataset: (dataset.hvd_category is not None) == value
        case "hasDatastreams":
            return lambda dataset: bool(view.streams_of(dataset)) == value
        case "modifiedSince":
            return lambda dataset: dataset.modified is not None and dataset.modified >= value
        case "issued" | "modified":
            within = _within(value, "start", "end")
            return lambda dataset: within(getattr(dataset, name))
        case "temporal":
            return _overlaps(value)
    return _dataset_by_parts(view, name, value)


def _dataset_by_parts(view: View, name: str, value: Any) -> Callable[[Dataset], bool]:
    """By what belongs to the dataset."""
    match name:
        case "publishers":
            _bounded(value)
            return lambda dataset: dataset.publisher is not None and dataset.publisher.name in value
        case "licences":
            _bounded(value)
            return lambda dataset: any(one.licence and one.licence.key in value for one in dataset.distributions)
        case "formats":
            _bounded(value)
            return lambda dataset: any(one.format in value for one in dataset.distributions)
        case "observedProperties":
            _bounded(value)
            return lambda dataset: any(s.observed_property.key in value for s in view.streams_of(dataset))
        case "vehicleClasses":
            _bounded(value)
            return lambda dataset: any(s.vehicle_class in value for s in view.streams_of(dataset))
        case "bbox":
            touches, stands_in = _touches(value), _stands_in(value)
            return lambda dataset: touches(dataset) or any(stands_in(s.thing) for s in view.streams_of(dataset))
    raise NotImplementedError(f"DatasetFilter.{name}")


def _thing(view: View, name: str, value: Any) -> Predicate:
    match name:
        case "ids":
            keys = _keys(value, "thing")
            return lambda thing: thing.key in keys
        case "datasets":
            keys = _keys(value, "dataset")
            return lambda thing: any(s.dataset.key in keys for s in view.streams_at(thing))
        case "bbox":
            return _stands_in(value)
        case "near":
            return _near(value)
        case "observedProperties":
            _bounded(value)
            return lambda thing: any(s.observed_property.key in value for s in view.streams_at(thing))
        case "vehicleClasses":
            _bounded(value)
            return lambda thing: any(s.vehicle_class in value for s in view.streams_at(thing))
    raise NotImplementedError(f"ThingFilter.{name}")


def _datastream(_view: View, name: str, value: Any) -> Callable[[Datastream], bool]:
    match name:
        case "ids" | "datastreams":
            keys = _keys(value, "datastream")
            return lambda stream: stream.key in keys
        case "datasets":
            keys = _keys(value, "dataset")
            return lambda stream: stream.dataset.key in keys
        case "things":
            keys = _keys(value, "thing")
            return lambda stream: stream.thing.key in keys
        case "observedProperties":
            _bounded(value)
            return lambda stream: stream.observed_property.key in value
        case "vehicleClasses" | "units" | "directions":
            attribute = {"vehicleClasses": "vehicle_class", "units": "unit", "directions": "direction"}[name]
            _bounded(value)
            return lambda stream: getattr(stream, attribute) in value
        case "bbox" | "near":
            fits = _stands_in(value) if name == "bbox" else _near(value)
            return lambda stream: fits(stream.thing)
        case "phenomenonTime":
            return _was_active(value)
        case "activeSince":
            return lambda stream: stream.phenomenon_end is not None and stream.phenomenon_end >= value
    raise NotImplementedError(f"DatastreamFilter.{name}")


def _observation(view: View, name: str, value: Any) -> Callable[[Observed], bool]:
    if name == "qualities":
        return lambda observed: observed.observation.quality in value
    if name == "result":
        within = _within(value, "min", "max")
        return lambda observed: within(observed.observation.result)
    of_stream = _datastream(view, name, value)
    return lambda observed: of_stream(observed.datastream)


_FILTERS: Mapping[str, Callable[[View, str, Any], Predicate]] = {
    "Dataset": _dataset,
    "Thing": _thing,
    "Datastream": _datastream,
    "Observation": _observation,
}
