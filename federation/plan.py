"""What an owner is asked, and how its rows become part of the caller's answer. Pure.

An owner is asked for `edges { s: sortKey  k: localKey  n0: node {…} n1: … }`: one `nK` for each selection of nodes that
the caller made, in `edges` or in `nodes`. The own city's store is asked in the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import orjson

from federation.errors import PeerIncompatible
from federation.merge import Merged
from federation.question import ALIAS, HOME_ONLY, owners_report, plain
from federation.row_checks import are_local_keys, are_sort_keys, ascends
from federation.rows import CityPage
from federation.told import Members, read_count, read_has_next, read_suggestions
from schema.cursor import Cursor, Position, binding_of, encode
from schema.selection import TYPENAME, Field

TOTAL = "totalCount"
SUGGESTIONS = "suggestions"
_MARKS = (plain("sortKey", "s", "String"), plain("localKey", "k", "String"))
_OF_POSITION = {"sortKey": 0, "localKey": 2}  # where a `Position` has them


@lru_cache(maxsize=64)
def _edges(selections: int) -> msgspec.json.Decoder[list[Any]]:
    """A decoder of edges with so many selections of nodes."""
    nodes = [(f"n{index}", msgspec.Raw) for index in range(selections)]
    edge = msgspec.defstruct("Edge", [("s", str), ("k", str), *nodes])
    return msgspec.json.Decoder(list[edge])  # type: ignore[valid-type]


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
        page = self.read_rows(members, city, start, has_next=read_has_next(members["pageInfo"]))
        if page.has_next and not len(page) and self.first > 0:
            raise PeerIncompatible("it says that there are more rows, and sends none")
        return page

    def read_rows(
        self, members: Mapping[str, bytes | msgspec.Raw], city: str, start: Position | None, *, has_next: bool
    ) -> CityPage:
        """The rows of one city, with what it counted and suggests; of what it was not asked for, nothing.

        Raises:
            PeerIncompatible: they are not what was asked for: another form, another city, another order, too many.
        """
        try:
            edges = _edges(len(self.selections)).decode(members["edges"])
        except msgspec.DecodeError as error:
            raise PeerIncompatible("its rows are not in the form that was asked for") from error
        if len(edges) > self.first:
            raise PeerIncompatible(f"it sent {len(edges)} rows where {self.first} were asked for")
        count, suggested = members.get(TOTAL), members.get(SUGGESTIONS)
        page = CityPage(
            city,
            sorts=[edge.s for edge in edges],
            keys=[edge.k for edge in edges],
            parts=[list(map(attrgetter(f"n{index}"), edges)) for index in range(len(self.selections))],
            has_next=has_next,
            total=read_count(count) if count is not None else None,
            suggestions=read_suggestions(suggested) if suggested is not None else (),
        )
        order, _, _ = str(self.root.arguments.get("orderBy", "")).partition("_")
        if not are_sort_keys(page.sorts, order) or not are_local_keys(page.keys):
            raise PeerIncompatible("a row has no sort key of that order")
        if not ascends(page, start, descending=self.descending):
            raise PeerIncompatible("its rows are not in the order that was asked for")
        return page

    def assemble(self, merged: Merged) -> dict[str, bytes]:
        """What the caller selected of the rows and of all pages together as JSON, by response key."""
        parts = iter(range(len(self.selections)))
        answer = {}
        for child in self.root.children:
            if child.name == "nodes":
                answer[child.key] = _array(merged.column(next(parts)))
            elif child.name == "edges":
                nodes = {part.key: merged.column(next(parts)) for part in child.children_named("node")}
                answer[child.key] = _array(_edge(child, number, nodes, merged) for number in range(merged.size))
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


def _edge(selected: Field, number: int, nodes: Mapping[str, Sequence[Any]], merged: Merged) -> bytes:
    pairs = []
    for part in selected.children:
        if part.name == "node":
            value = bytes(nodes[part.key][number])
        elif part.name == "cursor":
            value = orjson.dumps(encode(merged.after(number)))
        elif part.name in _OF_POSITION:
            value = orjson.dumps(merged.position(number)[_OF_POSITION[part.name]])
        else:
            value = orjson.dumps(selected.type_name if part.name == TYPENAME else None)
        pairs.append(b'"' + part.key.encode() + b'":' + value)
    return b"{" + b",".join(pairs) + b"}"


def _array(items: Iterable[bytes | msgspec.Raw]) -> bytes:
    return b"[" + b",".join(items) + b"]"
