"""Ranges that may be open on either side: the condition has only the sides that are given."""

from __future__ import annotations

from typing import Any

from node.store.arguments import Builder, Values
from node.store.sql import all_of
from schema.errors import BadInput


def within(build: Builder, argument: str, column: str, value: Values) -> str:
    """A column within `start` (inclusive) and `end` (exclusive), or within `min` and `max` (both inclusive)."""
    found = [f"{column} is not null"]
    if "start" in value:
        found.append(f"{column} >= {build.value(argument, 'timestamptz', _lower(argument, 'start', 'end'))}")
    if "end" in value:
        found.append(f"{column} < {build.time(f'{argument}.end')}")
    if "min" in value:
        found.append(f"{column} >= {build.value(argument, 'float8', _lower(argument, 'min', 'max'))}")
    if "max" in value:
        found.append(f"{column} <= {build.number(f'{argument}.max')}")
    return all_of(found)


def active(build: Builder, argument: str, value: Values) -> str:
    """Datastreams whose observations span a time that overlaps."""
    found = ["{t}.phenomenon_start is not null"]
    if "end" in value:
        found.append(f"{{t}}.phenomenon_start < {build.time(f'{argument}.end')}")
    if "start" in value:
        start = build.value(argument, "timestamptz", _lower(argument, "start", "end"))
        found.append(f"coalesce({{t}}.phenomenon_end, {{t}}.phenomenon_start) >= {start}")
    return all_of(found)


def _lower(argument: str, low: str, high: str) -> Any:
    """Takes the lower side, once it is known to lie below the upper one."""

    def check(value: Values) -> Any:
        if high in value and value[low] > value[high]:
            raise BadInput(
                f"{argument}: {low} {value[low]} is after {high} {value[high]}", hint=f"exchange {low} and {high}"
            )
        return value[low]

    return check
