"""A page of rows in SQL: what of it is asked for, and how it is put into JSON.

The plain form reads the rows once and makes its arrays on the way. The numbered form keeps one row more in a common
table expression, which tells of the next page, and serves cursors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from node.store.sql import array_of, cursor, json_array, json_object, json_text, literal, selected
from schema.selection import TYPENAME, Field

KEYS = ("sortKeys", "localKeys")  # where rows stand, as columns
ROWS = ("edges", "nodes", *KEYS)
OF_ALL = ("totalCount", "suggestions")  # tells of all rows, whatever the page
_CURSORS = ("startCursor", "endCursor")

Item = Callable[[str, Field], str]  # alias of the row, selected node: the node as JSON text


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a connection the caller selected."""

    rows: tuple[Field, ...]
    of_all: tuple[Field, ...]
    cursors: bool
    next: bool

    @property
    def is_plain(self) -> bool:
        """No cursor."""
        return not self.cursors

    @property
    def is_single(self) -> bool:
        """One array at most: it needs no name for the rows."""
        return self.is_plain and len(self.rows) <= 1


def asked_of(connection: Field) -> Asked:
    """Read the selection of a connection."""
    rows = tuple(child for child in connection.children if child.name in ROWS)
    infos = {part.name for child in connection.children_named("pageInfo") for part in child.children}
    in_edges = any(child.child("cursor") is not None for child in rows)
    of_all = tuple(child for child in connection.children if child.name in OF_ALL)
    return Asked(rows, of_all, in_edges or not infos.isdisjoint(_CURSORS), "hasNextPage" in infos)


@dataclass(frozen=True, slots=True)
class PlainPage:
    """The rows as a sub-select in order, at most `first` of them."""

    alias: str
    source: str
    sort_text: str

    def gathered(self, rows: Field, node: Item) -> str:
        """The JSON array of one of `ROWS`, as an aggregate over the rows; nobody wants their cursors."""
        return _gathered(rows, self.alias, node, self.sort_text, "")

    def array(self, rows: Field, node: Item) -> str:
        """The JSON array of one of `ROWS`."""
        return selected(self.gathered(rows, node), f"({self.source}) {self.alias}")


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """The rows as a common table expression `name`, numbered by `rn_`; the one after `first` is not shown."""

    name: str
    sql: str
    first: str
    binding: str
    sort_text: str
    city: str

    @property
    def shown(self) -> str:
        """The rows of the page as a source."""
        return f"(select * from {self.name} where rn_ <= {self.first})"

    def array(self, rows: Field, node: Item) -> str:
        """The JSON array of one of `ROWS`."""
        source = f"(select * from {self.name} where rn_ <= {self.first} order by rn_) {self.name}"
        return selected(_gathered(rows, self.name, node, self.sort_text, self._cursor()), source)

    @property
    def has_next(self) -> str:
        """Whether there is a row after the page."""
        return f"(select count(*) > {self.first} from {self.name})"

    def cursor_at(self, end: str) -> str:
        """The cursor of the first (`min`) or last (`max`) row shown."""
        at = f"(select {end}(rn_) from {self.name} where rn_ <= {self.first})"
        return f"(select {self._cursor()} from {self.name} where rn_ = {at})"

    def _cursor(self) -> str:
        return cursor(self.binding, self.sort_text, self.city, f"{self.name}.key")


def _gathered(rows: Field, alias: str, node: Item, sort_text: str, cursor_: str) -> str:
    if rows.name in KEYS:
        return array_of(sort_text if rows.name == "sortKeys" else f"{alias}.key")
    if rows.name == "nodes":
        return json_array(node(alias, rows))
    return json_array(json_object((part.key, value) for part, value in _edge(rows, alias, node, cursor_)))


def _edge(edge: Field, alias: str, node: Item, cursor_: str) -> Iterator[tuple[Field, str]]:
    for part in edge.children:
        if part.name == "node":
            yield part, node(alias, part)
        else:
            yield part, json_text(cursor_) if part.name == "cursor" else literal(f'"{edge.type_name}"')


def info_json(child: Field, page: PlainPage | NumberedPage, *, has_previous: bool) -> str:
    """The JSON object of `pageInfo`; of a plain page nothing is asked that needs the rows."""
    values = {"hasPreviousPage": literal("true" if has_previous else "false"), TYPENAME: literal('"PageInfo"')}
    if isinstance(page, NumberedPage):
        values["hasNextPage"] = f"{page.has_next}::text"
        values["startCursor"] = f"coalesce(to_json({page.cursor_at('min')}), 'null')"
        values["endCursor"] = f"coalesce(to_json({page.cursor_at('max')}), 'null')"
    return json_object((part.key, values[part.name]) for part in child.children)
