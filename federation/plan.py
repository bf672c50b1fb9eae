"""What an owner is asked, and how its rows become part of the caller's answer. Pure.

An owner is asked for columns, `s: sortKeys  k: localKeys  n0: nodes {…}  n1: …`: one `nK` for each selection of nodes
that the caller made, in `edges` or in `nodes`. The own city's store is asked in the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
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
SORTS, KEYS = "s", "k"
_MARKS = (plain("sortKeys", SORTS, "String"), plain("localKeys", KEYS, "String"))
_Texts: msgspec.json.Decoder[list[str]] = msgspec.json.Decoder(list[str])
_Nodes: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True)
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
        asked = self._asked
        arguments = {**asked.arguments, "cities": [city]}
        if start is not None:
            arguments["after"] = encode(Cursor(binding_of(asked.name, arguments), start))
        shape = None if asked.shape is None else (ALIAS, asked.shape, start is not None)
        return Field(asked.name, ALIAS, asked.type_name, arguments, asked.argument_types, asked.children, shape)

    @cached_property
    def _asked(self) -> Field:
        """What all owners are asked, but for the city and where its rows begin."""
        nodes = (plain("nodes", f"n{index}", self.node_type, below) for index, below in enumerate(self.selections))
        info = plain("pageInfo", "pageInfo", "PageInfo", (plain("hasNextPage", "hasNextPage", "Boolean"),))
        counted = (plain(name, name, "Int") for name in (TOTAL, SUGGESTIONS) if self.root.child(name) is not None)
        asked = self.root.with_arguments(cities=None, after=None, **HOME_ONLY)
        return replace(asked, children=(*_MARKS, *nodes, info, *counted, owners_report()), shape=self.root.shape)

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
            sorts, keys = _Texts.decode(members[SORTS]), _Texts.decode(members[KEYS])
            parts = [_Nodes.decode(members[f"n{index}"]) for index in range(len(self.selections))]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PeerIncompatible("its rows are not in the form that was asked for") from error
        if len(sorts) > self.first:
            raise PeerIncompatible(f"it sent {len(sorts)} rows where {self.first} were asked for")
        if {len(keys), *map(len, parts)} != {len(sorts)}:
            raise PeerIncompatible("its columns differ in length")
        count, suggested = members.get(TOTAL), members.get(SUGGESTIONS)
        page = CityPage(
            city,
            sorts,
            keys,
            parts,
            has_next=has_next,
            total=read_count(count) if count is not None else None,
            suggestions=read_suggestions(suggested) if suggested is not None else (),
        )
        if not are_sort_keys(page.sorts, str(self.root.arguments.get("orderBy", ""))) or not are_local_keys(page.keys):
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
            elif child.name == "sortKeys":
                answer[child.key] = orjson.dumps(merged.sorts)
            elif child.name == "localKeys":
                answer[child.key] = orjson.dumps(merged.keys)
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
        else:
            value = orjson.dumps(selected.type_name if part.name == TYPENAME else None)
        pairs.append(b'"' + part.key.encode() + b'":' + value)
    return b"{" + b",".join(pairs) + b"}"


def _array(items: Iterable[bytes | msgspec.Raw]) -> bytes:
    return b"[" + b",".join(items) + b"]"
