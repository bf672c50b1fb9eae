"""Results that are lists of elements, each of one city: series, and groups of an aggregate. Pure.

Whatever selections the caller made, an owner is asked for one list in which each part of an element stands once, e.g.
`series { k: datastream { id }  times values }`. Values stay bytes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import orjson

from federation.errors import PeerIncompatible
from federation.parts import CityPart, ask_owner, cities_in_order
from federation.question import plain
from schema.ids import parse_id
from schema.selection import TYPENAME, Argument, Field

KEY = "k"
MAX_GROUPS = 10_000  # no node gives more

Element = Mapping[str, msgspec.Raw]

_Elements: msgspec.json.Decoder[list[dict[str, msgspec.Raw]]] = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class _Identified(msgspec.Struct):
    id: str


_KeyDecoder = msgspec.json.Decoder(_Identified)


@dataclass(frozen=True, slots=True)
class Columns:
    """The parts of an element that callers' selections need, each once; and where they stand in each selection."""

    asked: tuple[Field, ...]
    keys: Sequence[Mapping[str, str | None]]

    @property
    def layout(self) -> Hashable:
        """Which part serves which key: parts are the same or not by values of arguments, of which no shape tells."""
        return tuple(tuple(names.values()) for names in self.keys)

    def array(self, number: int, elements: Sequence[Element], type_name: str) -> bytes:
        """The JSON array of the elements as the selection with this number wants them. Values are copied once."""
        kind = orjson.dumps(type_name)
        keys = self.keys[number].items()
        heads = [(f'{"," if n else ""}"{key}":'.encode(), name) for n, (key, name) in enumerate(keys)]
        pieces: list[bytes | msgspec.Raw] = []
        for element in elements:
            pieces.append(b",{" if pieces else b"[{")
            for head, name in heads:
                pieces += head, element[name] if name else kind
            pieces.append(b"}")
        return b"".join((*pieces, b"]")) if pieces else b"[]"


def columns_of(selections: Iterable[Field]) -> Columns:
    """Selections of the same list in one. A part keeps its name for a key, unless it is asked for in several ways."""
    asked: list[Field] = []
    keys = []
    for selection in selections:
        names: dict[str, str | None] = {}
        for child in selection.children:
            if child.name == TYPENAME:
                names[child.key] = None
                continue
            column = next((one for one in asked if _same(one, child)), None)
            if column is None:
                taken = any(one.key == child.name for one in asked)
                column = replace(child, key=f"c{len(asked)}" if taken else child.name)
                asked.append(column)
            names[child.key] = column.key
        keys.append(names)
    return Columns(tuple(asked), keys)


def _same(one: Field, other: Field) -> bool:
    return (one.name, one.arguments, one.children) == (other.name, other.arguments, other.children)


@dataclass(frozen=True, slots=True)
class GroupsPlan:
    """The groups of an aggregate: those of one city after those of another."""

    root: Field
    columns: Columns

    def owner_field(self, city: str) -> Field:
        """See `PartsPlan`."""
        asked = self.columns.asked or (plain(TYPENAME, TYPENAME, "AggregateGroup"),)
        return ask_owner(
            self, (plain("groups", "groups", "AggregateGroup", asked),), self.columns.layout, cities=[city]
        )

    def read(self, city: str, members: Mapping[str, bytes | msgspec.Raw]) -> CityPart:  # noqa: ARG002 - see `PartsPlan`
        """See `PartsPlan`."""
        groups = _elements(members["groups"], MAX_GROUPS)
        return CityPart(len(groups), groups)

    def assemble(self, parts: Mapping[str, CityPart]) -> dict[str, bytes]:
        """See `PartsPlan`."""
        groups = [group for city in cities_in_order(self.root, parts) for group in parts[city].value]
        return _arrays(self.root, "groups", self.columns, groups)


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """Series in the order in which the caller named their datastreams; each once."""

    root: Field
    columns: Columns

    def owner_field(self, city: str) -> Field:
        """See `PartsPlan`. An owner learns of its own datastreams only."""
        key = plain("datastream", KEY, "Datastream", (plain("id", "id", "ID"),))
        series = plain("series", "series", "Series", (key, *self.columns.asked))
        return ask_owner(self, (series,), self.columns.layout, datastreams=self._asked_of(city))

    def read(self, city: str, members: Mapping[str, bytes | msgspec.Raw]) -> CityPart:
        """See `PartsPlan`."""
        asked = self._asked_of(city)
        elements = _elements(members["series"], len(asked))
        series = {_id_of(element): element for element in elements}
        if len(series) < len(elements) or not series.keys() <= set(asked):
            raise PeerIncompatible("it sent other series than were asked for")
        return CityPart(len(series), series)

    def assemble(self, parts: Mapping[str, CityPart]) -> dict[str, bytes]:
        """See `PartsPlan`."""
        by_id = {id_: series for part in parts.values() for id_, series in part.value.items()}
        series = [by_id[id_] for id_ in dict.fromkeys(self._ids) if id_ in by_id]
        return _arrays(self.root, "series", self.columns, series)

    @property
    def _ids(self) -> Sequence[str]:
        ids: Sequence[str] = self.root.arguments["datastreams"]
        return ids

    def _asked_of(self, city: str) -> list[Argument]:
        parsed = (parse_id(id_, kind="datastream", argument="datastreams") for id_ in dict.fromkeys(self._ids))
        return [str(one) for one in parsed if one.city == city]


def _elements(array: bytes | msgspec.Raw, limit: int) -> list[dict[str, msgspec.Raw]]:
    try:
        elements = _Elements.decode(array)
    except msgspec.DecodeError as error:
        raise PeerIncompatible("its part is not in the form that was asked for") from error
    if len(elements) > limit:
        raise PeerIncompatible(f"its part has {len(elements)} elements where {limit} are possible")
    return elements


def _id_of(element: Element) -> str:
    try:
        return _KeyDecoder.decode(element[KEY]).id
    except (KeyError, msgspec.DecodeError):
        raise PeerIncompatible("a series does not tell its datastream") from None


def _arrays(root: Field, name: str, columns: Columns, elements: Sequence[Element]) -> dict[str, bytes]:
    try:
        return {
            selected.key: columns.array(number, elements, selected.type_name)
            for number, selected in enumerate(root.children_named(name))
        }
    except KeyError:
        raise PeerIncompatible("an element lacks a part that was asked for") from None
