"""Boxes and circles. A circle comes with a box around it, which an index can answer, before distances are reckoned."""

from __future__ import annotations

from collections.abc import Callable

from node.store.arguments import Builder, Values
from node.store.filters.circle import Circle, checked_circle
from schema.selection import Argument


def in_box(build: Builder, longitude: str, latitude: str) -> str:
    """A point lies in `filter.bbox`."""
    west, south, east, north = build.corners("filter.bbox")
    return f"{longitude} between {west} and {east} and {latitude} between {south} and {north}"


def near(build: Builder, longitude: str, latitude: str) -> str:
    """A point lies in the circle `filter.near`."""
    south, north = (_number(build, side) for side in (lambda c: c.south, lambda c: c.north))
    west, east = (_number(build, side) for side in (lambda c: c.west, lambda c: c.east))
    return (
        f"{latitude} between {south} and {north}"
        f" and case when {west} <= {east} then {longitude} between {west} and {east}"
        f" else {longitude} >= {west} or {longitude} <= {east} end"
        f" and {metres(build, longitude, latitude)} <= {_number(build, lambda c: c.metres)}"
    )


def box_near(build: Builder) -> str:
    """The bounding box of a dataset touches the circle `filter.near`."""
    longitude, latitude = _number(build, lambda c: c.longitude), _number(build, lambda c: c.latitude)
    radius = _number(build, lambda c: c.metres)
    return f"metres_to_box({longitude}, {latitude}, {{t}}.west, {{t}}.south, {{t}}.east, {{t}}.north) <= {radius}"


def metres(build: Builder, longitude: str, latitude: str) -> str:
    """The distance of a point from the middle of the circle `filter.near`."""
    here = f"{_number(build, lambda c: c.longitude)}, {_number(build, lambda c: c.latitude)}"
    return f"metres_between({here}, {longitude}, {latitude})"


def _number(build: Builder, part: Callable[[Circle], float]) -> str:
    def check(value: Values) -> Argument:
        return part(checked_circle(value, "filter.near"))

    return build.value("filter.near", "float8", check)
