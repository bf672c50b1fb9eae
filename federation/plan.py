"""What an owner is asked, and how its rows become part of the caller's answer. Pure.

An owner is asked for `edges { s: sortKey  k: localKey  n0: node {…} n1: … }`: one `nK` for each selection of nodes that
the caller made, in `edges` or in `nodes`. The own city's store is asked in the same form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import Any

import msgspec
import orjson

from federation.errors import PeerIncompatible
from federation.merge import CityPage, Merged, Row
from federation.question import ALIAS, HOME_ONLY, owners_report, plain
from federation.told import Members, read_count, read_has_next, read_suggestions
from schema.cursor import Cursor, Position, binding_of, encode
from schema.selection import TYPENAME, Field

MAX_KEY = 200
MAX_SORT = 500
TOTAL = "totalCount"
SUGGESTIONS = "suggestions"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_TEXT = re.compile(rf"[^\x00]{{0,{MAX_SORT}}}")
_MARKS = (plain("sortKey", "s", "String"), plain("localKey", "k", "String"))
_OF_POSITION = {"sortKey": 0, "localKey": 2}  # where a `Position` has them
_SORT_KEYS = {  # by the first word of the order; names and titles are any text
    "DISTANCE": re.compile(r"\d{8}\.\d"),
    "ISSUED": _TIME,
    "MODIFIED": _TIME,
    "PHENOMENON": _TIME,
    "RELEVANCE": re.compile(r"\d\.\d{4}"),
    "TIME": _TIME,
}


@lru_cache(maxsize=64)
def _edges(selections: int) -> tuple[msgspec.json.Decoder[list[Any]], Callable[[Any], Any]]:
    """A decoder of edges with so many selections of nodes, and what takes these out of an edge."""
    names = [f"n{index}" for index in range(selections)]
    edge = msgspec.defstruct("Edge", [("s", str), ("k", str), *((name, msgspec.Raw) for name in names)])
    parts = attrgetter(*names) if names else lambda _edge: ()
    return msgspec.json.Decoder(list[edge]), (lambda found: (parts(found),)) if selections == 1 else parts  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class PagePlan:
    """How one root connection is split over owners and put together again."""

    root: Field
    selections: tuple[tuple[Field, ...], ...]

    @property
    def descending(self) -> bool:
        """Whether the sort key descends."""
        return str(self.root.arguments.get("orderBy", "")).endswith("_DESC")

    @property
    def first(self) -> int:
        """Length of the merged page."""
        return int(self.root.arguments.get("first", 20))

    def owner_field(self, city: str, start: Position | None) -> Field:
        """The root field for one owner. For callers' questions of one shape it differs in values only."""
        asked = self.root.with_arguments(cities=[city], after=None, **HOME_ONLY)
        if start is not None:
            asked = asked.with_arguments(after=encode(Cursor(binding_of(asked.name, asked.arguments), start)))
        nodes = tuple(
            plain("node", f"n{index}", self.node_type, children) for index, children in enumerate(self.selections)
        )
        edges = plain("edges", "edges", f"{self.node_type}Edge", (*_MARKS, *nodes))
        info = plain("pageInfo", "pageInfo", "PageInfo", (plain("hasNextPage", "hasNextPage", "Boolean"),))
        counted = (plain(name, name, "Int") for name in (TOTAL, SUGGESTIONS) if self.root.child(name) is not None)
        children = (edges, info, *counted, owners_report())
        shape = None if self.root.shape is None else (ALIAS, self.root.shape, start is not None)
        return replace(asked, key=ALIAS, children=children, shape=shape)

    def limited(self, first: int) -> PagePlan:
        """The plan of a page of so many rows."""
        return replace(self, root=replace(self.root, arguments={**self.root.arguments, "first": first}))

    def rest(self, first: int) -> PagePlan:
        """The plan of so many more rows of a page whose counts are known already."""
        children = tuple(child for child in self.root.children if child.name not in {TOTAL, SUGGESTIONS})
        return replace(self, root=replace(self.root, children=children, shape=None)).limited(first)

    @property
    def node_type(self) -> str:
        """GraphQL type of the rows."""
        return self.root.type_name.removesuffix("Connection")

    def read_page(self, city: str, start: Position | None, members: Members) -> CityPage:
        """The page of a peer. Raises PeerIncompatible as `read_rows`."""
        rows = self.read_rows(members["edges"], city, start)
        has_next = read_has_next(members["pageInfo"])
        if has_next and not rows and self.first > 0:
            raise PeerIncompatible("it says that there are more rows, and sends none")
        return CityPage(rows, has_next, *self.read_told(members))

    def read_told(self, members: Mapping[str, bytes | msgspec.Raw]) -> tuple[int | None, Sequence[str]]:
        """What a city counted and suggests; of what it was not asked for, nothing. Raises PeerIncompatible."""
        count, suggested = members.get(TOTAL), members.get(SUGGESTIONS)
        return (
            read_count(count) if count is not None else None,
            read_suggestions(suggested) if suggested is not None else (),
        )

    def read_rows(self, edges: bytes | msgspec.Raw, city: str, start: Position | None) -> list[Row]:
        """The rows of one city.

        Raises:
            PeerIncompatible: they are not what was asked for: another form, another city, another order, too many.
        """
        try:
            decoder, parts = _edges(len(self.selections))
            rows = [Row(Position(edge.s, city, edge.k), parts(edge)) for edge in decoder.decode(edges)]
        except msgspec.DecodeError as error:
            raise PeerIncompatible("its rows are not in the form that was asked for") from error
        if len(rows) > self.first:
            raise PeerIncompatible(f"it sent {len(rows)} rows where {self.first} were asked for")
        positions = [row.position for row in rows]
        self._check(positions)
        if not _ascends([*([start] if start else []), *positions], descending=self.descending):
            raise PeerIncompatible("its rows are not in the order that was asked for")
        return rows

    def _check(self, positions: Sequence[Position]) -> None:
        """They end in cursors, and from there in statements."""
        order, _, _ = str(self.root.arguments.get("orderBy", "")).partition("_")
        form = _SORT_KEYS.get(order, _TEXT)
        for sort, _city, key in positions:
            if len(key) > MAX_KEY or "\x00" in key or form.fullmatch(sort) is None:
                raise PeerIncompatible("a row has no sort key of that order")

    def assemble(self, merged: Merged) -> dict[str, bytes]:
        """What the caller selected of the rows and of all pages together as JSON, by response key."""
        parts = iter(range(len(self.selections)))
        answer = {}
        for child in self.root.children:
            if child.name == "nodes":
                index = next(parts)
                answer[child.key] = _array(bytes(row.parts[index]) for row in merged.rows)
            elif child.name == "edges":
                indexes = {part.key: next(parts) for part in child.children_named("node")}
                answer[child.key] = _array(
                    _edge(child, row, number, indexes, merged) for number, row in enumerate(merged.rows)
                )
            elif child.name == TOTAL:
                answer[child.key] = orjson.dumps(merged.total)
            elif child.name == SUGGESTIONS:
                answer[child.key] = orjson.dumps(merged.suggestions)
        return answer


def plan_page(root: Field) -> PagePlan:
    """Collect the selections of nodes in the order in which `assemble` takes them."""
    selections = []
    for child in root.children:
        if child.name == "nodes":
            selections.append(child.children)
        elif child.name == "edges":
            selections += [part.children for part in child.children_named("node")]
    return PagePlan(root, tuple(selections))


def _edge(selected: Field, row: Row, number: int, indexes: dict[str, int], merged: Merged) -> bytes:
    pairs = []
    for part in selected.children:
        if part.name == "node":
            value = bytes(row.parts[indexes[part.key]])
        elif part.name == "cursor":
            value = orjson.dumps(encode(merged.after(number)))
        elif part.name in _OF_POSITION:
            value = orjson.dumps(row.position[_OF_POSITION[part.name]])
        else:
            value = orjson.dumps(selected.type_name if part.name == TYPENAME else None)
        pairs.append(b'"' + part.key.encode() + b'":' + value)
    return b"{" + b",".join(pairs) + b"}"


def _array(items: Iterator[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _ascends(positions: Sequence[Position], *, descending: bool) -> bool:
    for one, other in pairwise(positions):
        if one.sort == other.sort:
            if (one.city, one.key) >= (other.city, other.key):
                return False
        elif (one.sort < other.sort) == descending:
            return False
    return True
