"""From a field's arguments to conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from node.store.arguments import Builder, Values
from node.store.filters.datasets import dataset_condition
from node.store.filters.records import record_condition
from node.store.filters.sensors import datastream_condition, observation_condition, thing_condition

_FILTERS: Mapping[str, Callable[[Builder, str, Any], str]] = {
    "Dataset": dataset_condition,
    "Thing": thing_condition,
    "Datastream": datastream_condition,
    "Observation": observation_condition,
    "AccessRecord": record_condition,
}


def conditions(type_name: str, arguments: Values, build: Builder) -> Iterator[str]:
    """The conditions of a list's `filter` and `during` arguments.

    Raises:
        BadInput: a value can't be used.
    """
    for name, value in (arguments.get("filter") or {}).items():
        if value is not None:
            yield condition(type_name, build, name, value)
    if arguments.get("during") is not None:
        start, end = build.interval("during")
        yield f"{{t}}.phenomenon_time >= {start} and {{t}}.phenomenon_time < {end}"


def condition(type_name: str, build: Builder, name: str, value: Any) -> str:
    """The condition of one field of the filter. `value` is for its structure only: which keys it has, booleans."""
    return _FILTERS[type_name](build, name, value)
