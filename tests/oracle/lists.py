"""Lists in plain Python: total order, keyset paging, cursors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from node.ingest.folding import sort_key
from schema.cursor import Cursor, Position, binding_of, decode, encode
from schema.errors import BadInput
from tests.oracle.limits import OBSERVATIONS, OTHERS
from tests.oracle.world import CITY, Datastream, Observation, Thing

EARTH_METRES = 6_371_008.8
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Observed:
    """An observation with the datastream that it belongs to."""

    datastream: Datastream
    observation: Observation

    @property
    def key(self) -> str:
        return self.datastream.key


@dataclass(frozen=True)
class Row:
    """A row, its sort text and its cursor."""

    node: Any
    position: Position
    cursor: str


@dataclass(frozen=True)
class Page:
    """A page of a list; `report` is None in nested lists."""

    type_name: str
    rows: Sequence[Row]
    has_next: bool
    has_previous: bool
    end: str | None
    total: int
    report: Any = None


@dataclass(frozen=True)
class Call:
    """A list as it is asked for: its field and its coerced arguments."""

    name: str
    type_name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raises BadInput, as for `first` and `after`."""
        limit = OBSERVATIONS if self.type_name == "Observation" else OTHERS
        if not 0 <= self.arguments["first"] <= limit:
            raise BadInput("first")
        _ = self.cursor
        _ = self._order()

    @property
    def binding(self) -> str:
        return binding_of(self.name, as_json(self.arguments))

    @property
    def cursor(self) -> Cursor | None:
        after = self.arguments["after"]
        return None if after is None else decode(after, self.binding)

    def page(self, nodes: Sequence[Any], away: Mapping[str, None], report: Callable[[int], Any] | None) -> Page:
        """The page of these nodes; `away` are the cities whose rows are still to come."""
        sort, descending = self._order()
        placed = sorted(((sort(node), node.key, node) for node in nodes), key=lambda one: one[1])
        placed.sort(key=lambda one: one[0], reverse=descending)
        cursor = self.cursor
        if cursor is not None:
            mark = cursor.watermark
            placed = [one for one in placed if _comes_after((one[0], CITY, one[1]), mark, descending=descending)]
        first = self.arguments["first"]
        rows = [self._row(Position(text, CITY, key), node, away) for text, key, node in placed[:first]]
        end = rows[-1].cursor if rows else None
        if end is None and cursor is not None and report is not None:
            end = self.arguments["after"]
        has_next = len(placed) > first
        told = report(len(rows)) if report else None
        return Page(self.type_name, rows, has_next, cursor is not None, end, len(nodes), told)

    def _order(self) -> tuple[Callable[[Any], str], bool]:
        order = self.arguments["orderBy"]
        if order == "RELEVANCE":
            raise BadInput("orderBy: no text")
        if order == "DISTANCE":
            near = (self.arguments["filter"] or {}).get("near")
            if near is None:
                raise BadInput("orderBy: no place")
            return lambda one: f"{metres(near, one.thing if isinstance(one, Datastream) else one):010.1f}", False
        return _SORTS[order.removesuffix("_ASC").removesuffix("_DESC")], order.endswith("_DESC")

    def _row(self, position: Position, node: Any, away: Mapping[str, None]) -> Row:
        return Row(node, position, encode(Cursor(self.binding, position, away)))


def _comes_after(place: tuple[str, str, str], mark: Position, *, descending: bool) -> bool:
    sort, *rest = place
    if sort != mark.sort:
        return (sort < mark.sort) if descending else (sort > mark.sort)
    return rest > [mark.city, mark.key]


def metres(near: Mapping[str, float], thing: Thing) -> float:
    """Great-circle distance of a thing that has a place (haversine formula)."""
    east, north = thing.location
    turned = math.radians(east - near["longitude"]) / 2
    risen = math.radians(north - near["latitude"]) / 2
    shrunk = math.cos(math.radians(near["latitude"])) * math.cos(math.radians(north))
    return 2 * EARTH_METRES * math.asin(min(1, math.hypot(math.sin(risen), math.sqrt(shrunk) * math.sin(turned))))


def lowered(text: str) -> str:
    """Lower case letter by letter, as PostgreSQL does it."""
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def moment(time: datetime) -> str:
    """Text that sorts as times do."""
    seconds, _, fraction = str(time.astimezone(UTC).replace(tzinfo=None)).partition(".")
    return f"{seconds}.{fraction.rstrip('0')}+00" if fraction else f"{seconds}+00"


def as_json(value: Any) -> Any:
    """Coerced arguments as JSON, without what is null."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items() if one is not None}
    return [as_json(one) for one in value] if isinstance(value, list) else value


_SORTS: Mapping[str, Callable[[Any], str]] = {
    "TITLE": lambda dataset: sort_key(dataset.title),
    "MODIFIED": lambda dataset: moment(dataset.modified or BEGINNING),
    "ISSUED": lambda dataset: moment(dataset.issued or BEGINNING),
    "PHENOMENON_END": lambda stream: moment(stream.phenomenon_end or BEGINNING),
    "NAME": lambda one: lowered(one.name)[:400],  # cursors are bounded
    "TIME": lambda observed: moment(observed.observation.time),
}
