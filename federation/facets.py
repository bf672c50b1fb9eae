"""Facets of several cities in one: counts added up by value. Pure.

Owners are asked for all values of a facet, not for the most frequent ones: what is rare in every city may be frequent
in all of them together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import orjson

from federation.errors import PeerIncompatible
from federation.parts import CityPart, ask_owner, cities_in_order
from federation.question import plain
from federation.told import MAX_COUNT, read_count
from schema.selection import TYPENAME, Field

VALUES = 1_000  # of one facet and city; the schema says so
MAX_VALUE = 500  # characters
MAX_LABEL = 2_000
MAX_INT = 2**31 - 1  # of GraphQL's Int
FACET = "FacetCount"
TOTAL = "total"
CITIES = "cities"


class Counted(msgspec.Struct, frozen=True):
    """A value of a facet."""

    value: Annotated[str, msgspec.Meta(max_length=MAX_VALUE)]
    label: Annotated[str, msgspec.Meta(max_length=MAX_LABEL)]
    count: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]


_CountedDecoder: msgspec.json.Decoder[list[Counted]] = msgspec.json.Decoder(list[Counted])
_COUNTED = tuple(plain(name, name, kind) for name, kind in (("value", "String"), ("label", "String"), ("count", "Int")))


@dataclass(frozen=True, slots=True)
class _Facets:
    total: int
    values: Mapping[str, list[Counted]]


@dataclass(frozen=True, slots=True)
class FacetsPlan:
    """The facets of a catalog."""

    root: Field

    def owner_field(self, city: str) -> Field:
        """See `PartsPlan`."""
        return ask_owner(self, tuple(self._asked()), cities=[city])

    def read(self, city: str, members: Mapping[str, bytes | msgspec.Raw]) -> CityPart:
        """See `PartsPlan`. It counts for as many rows as there are datasets."""
        total = read_count(members[TOTAL])
        if total is None:
            raise PeerIncompatible("it did not count its datasets")
        names = {child.name for child in self._selected()}
        return CityPart(total, _Facets(total, {name: _values(name, members[name], city) for name in names}))

    def assemble(self, parts: Mapping[str, CityPart]) -> dict[str, bytes]:
        """See `PartsPlan`. A value is labelled as the first city does that has it."""
        given: list[_Facets] = [parts[city].value for city in cities_in_order(self.root, parts)]
        answer = {}
        sums: dict[str, list[Counted]] = {}
        for child in self.root.children:
            if child.name == TOTAL:
                answer[child.key] = orjson.dumps(min(sum(one.total for one in given), MAX_INT))
            elif child.type_name == FACET:
                if child.name not in sums:
                    sums[child.name] = add_up([one.values[child.name] for one in given])
                first = child.arguments.get("first")
                answer[child.key] = orjson.dumps([_row(child, one) for one in sums[child.name][:first]])
        return answer

    def _asked(self) -> Iterator[Field]:
        yield plain(TOTAL, TOTAL, "Int")
        for name, child in {child.name: child for child in self._selected()}.items():
            arguments = {"first": VALUES} if "first" in child.arguments else {}
            yield Field(name, name, FACET, arguments, child.argument_types, _COUNTED)

    def _selected(self) -> Iterator[Field]:
        return (child for child in self.root.children if child.type_name == FACET)


def add_up(facets: list[list[Counted]]) -> list[Counted]:
    """One facet of several cities: the most frequent values first, then by value."""
    counts: dict[str, int] = {}
    labels: dict[str, str] = {}
    for facet in facets:
        for one in facet:
            counts[one.value] = counts.get(one.value, 0) + one.count
            labels.setdefault(one.value, one.label)
    summed = [Counted(value, labels[value], min(count, MAX_INT)) for value, count in counts.items()]
    return sorted(summed, key=lambda one: (-one.count, one.value))


def _values(name: str, array: bytes | msgspec.Raw, city: str) -> list[Counted]:
    try:
        values = _CountedDecoder.decode(array)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PeerIncompatible(f"its {name} are not counts as they were asked for") from error
    if len(values) > VALUES or len({one.value for one in values}) < len(values):
        raise PeerIncompatible(f"its {name} have too many values, or one twice")
    if name == CITIES and any(one.value != city for one in values):
        raise PeerIncompatible("it counts datasets of another city")
    return values


def _row(selected: Field, counted: Counted) -> dict[str, Any]:
    return {
        child.key: selected.type_name if child.name == TYPENAME else getattr(counted, child.name)
        for child in selected.children
    }
