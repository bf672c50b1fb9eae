"""Arguments of a field as parameters: named by their path, checked and bound for each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from node.store.parameters import Inputs, Parameters, Path, locate
from schema.errors import BadInput
from schema.ids import parse_id

MAX_TEXT = 200
MAX_VALUES = 1_000

Values = Mapping[str, Any]
Check = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes placeholders for the arguments of the field at `at`. `argument` is a dotted path, e.g. `filter.ids`."""

    city: str
    parameters: Parameters
    at: Path = ()

    def value(self, argument: str, cast: str, check: Check | None = None) -> str:
        """Any argument; `check` turns it into what is bound, or raises BadInput."""
        names, at = argument.split("."), self.at

        def bind(inputs: Inputs) -> Any:
            found: Any = locate(inputs.root, at).arguments
            for name in names:
                found = found[name]
            return found if check is None else check(found)

        return self.parameters.add(bind, cast)

    def ids(self, argument: str, kind: str) -> str:
        """The keys of those ids that are this city's, as an array."""

        def keys(values: list[str]) -> list[str]:
            parsed = [parse_id(value, kind=kind, argument=argument) for value in bounded(values, argument)]
            return [one.key for one in parsed if one.city == self.city]

        return self.value(argument, "text[]", keys)

    def texts(self, argument: str) -> str:
        """An array of texts."""
        return self.value(argument, "text[]", lambda values: bounded(values, argument))

    def text(self, argument: str) -> str:
        """A short text; PostgreSQL has no NUL."""
        return self.value(argument, "text", lambda value: short(value, argument))

    def time(self, argument: str) -> str:
        """A time."""
        return self.value(argument, "timestamptz")

    def number(self, argument: str, check: Check | None = None) -> str:
        """A floating point number."""
        return self.value(argument, "float8", check)

    def interval(self, argument: str) -> tuple[str, str]:
        """Start and end."""

        def start(value: Values) -> Any:
            if datetime.fromisoformat(value["start"]) >= datetime.fromisoformat(value["end"]):
                raise BadInput(
                    f"{argument}: start {value['start']} is not before end {value['end']}",
                    hint="the interval is from start (inclusive) to end (exclusive)",
                )
            return value["start"]

        return self.value(argument, "timestamptz", start), self.time(f"{argument}.end")

    def corners(self, argument: str) -> tuple[str, str, str, str]:
        """West, south, east, north of a box."""

        def side(name: str) -> Check:
            def check(value: Values) -> Any:
                return _checked_box(value, argument)[name]

            return check

        west, south, east, north = (self.value(argument, "float8", side(name)) for name in _SIDES)
        return west, south, east, north


_SIDES = ("west", "south", "east", "north")


def bounded(values: list[str], argument: str) -> list[str]:
    """At most MAX_VALUES values without NUL."""
    if len(values) > MAX_VALUES or any("\x00" in value for value in values):
        raise BadInput(f"{argument}: at most {MAX_VALUES} values, without NUL", hint="ask in several requests")
    return values


def short(value: str, argument: str) -> str:
    """At most MAX_TEXT characters without NUL."""
    if len(value) > MAX_TEXT or "\x00" in value:
        raise BadInput(f"{argument}: must be at most {MAX_TEXT} characters, without NUL", hint="shorten the text")
    return value


def _checked_box(value: Values, argument: str) -> Values:
    if not (-180 <= value["west"] <= value["east"] <= 180 and -90 <= value["south"] <= value["north"] <= 90):
        raise BadInput(
            f"{argument}: is not a box in WGS 84 degrees",
            hint="west <= east within -180 to 180, south <= north within -90 to 90",
        )
    return value
