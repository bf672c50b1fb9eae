"""Compile a selection tree and a grant into one SQL statement that answers in JSON.

Pure: text and parameters in, text and parameters out. Grants are part of the statement, at every level, never a filter
afterwards. A page is read once into a common table expression with one row more than asked for, which tells whether
there is a next page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from node.store.filters import Builder, conditions
from node.store.lists import LISTS, Order
from node.store.mapping import TYPES, Inline, Many, One, Related
from node.store.reach import DATASETS_OF, KINDS, NAMED_BY, crosses
from node.store.sql import Parameters, all_of, column, cursor, json_list, json_object
from schema.cursor import Position, binding_of, decode
from schema.errors import BadInput
from schema.selection import TYPENAME, Field

ROWS = ("edges", "nodes")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the caller may see: ids of datasets for the catalog, and for observations."""

    readable: tuple[int, ...]
    observable: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Largest `first` of lists of observations, and of all others; largest answer in bytes."""

    observations: int = 10_000
    others: int = 1_000
    answer_bytes: int = 32_000_000

    def check(self, type_name: str, first: int) -> int:
        """`first`, if it is within the limits."""
        limit = self.observations if type_name == "Observation" else self.others
        if not 0 <= first <= limit:
            raise BadInput(f"first: {first} is not between 0 and {limit}", hint="ask for less and use `after`")
        return first


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with its parameters. `rows` are the children of the connection that come as columns, in order."""

    sql: str
    parameters: Mapping[str, Any]
    rows: tuple[Field, ...] = ()


@dataclass(slots=True)
class Compiler:
    """Compiles for one city and one scope; use a new one for each statement."""

    city: str
    scope: Scope
    limits: PageLimits = field(default_factory=PageLimits)
    parameters: Parameters = field(default_factory=Parameters)
    names: dict[str, str] = field(default_factory=dict)
    _aliases: int = 0

    def __post_init__(self) -> None:
        self.names = {
            "city": self.parameters.add(self.city, "text"),
            "readable": self.parameters.add(list(self.scope.readable), "int[]"),
            "observable": self.parameters.add(list(self.scope.observable), "int[]"),
        }

    def list_statement(self, root: Field, after: Position | None, first: int) -> Statement:
        """The statement of a root connection.

        Columns: one JSON array per `edges` and `nodes` child, then count of rows read (one more than `first` if there
        is a next page), first and last cursor, keys of the datasets whose rows it has, keys of datasets that the filter
        names but the scope denies, policy epoch.
        """
        binding = binding_of(root.name, root.arguments)
        page = self._page(root, first, after, binding, extra=())
        rows = tuple(child for child in root.children if child.name in ROWS)
        columns = [page.rows(child) for child in rows]
        columns += [
            f"(select count(*) from {page.name})",
            page.cursor_at("min"),
            page.cursor_at("max"),
            f"(select array_agg(distinct key) from ({self._datasets(root, page)}) touched)",
            self._denied(page.type_name, self._named(page.type_name, root)),
            "(select epoch from policy_epoch)",
        ]
        return Statement(f"{page.sql} select {', '.join(columns)}", self.parameters.values, rows)

    def single_statement(self, root: Field, key: str) -> Statement:
        """The statement of one object by its key. Columns: JSON, keys of its datasets, of denied ones, policy epoch."""
        listed = LISTS[root.type_name]
        alias = self._alias()
        condition = all_of([f"{alias}.key = {self.parameters.add(key, 'text')}", self._fill(listed.granted, alias)])
        source = f"{self._fill(listed.source, alias)} where {condition}"
        found = f"with found as materialized (select {alias}.* from {source})"
        page = _Page(self, root.type_name, "found", found, 1, "", "")
        columns = [
            json_object(self.columns(root.type_name, "found", root.children), " from found"),
            f"(select array_agg(distinct key) from ({self._datasets(root, page)}) touched)",
            self._denied(root.type_name, {root.type_name: self.parameters.add([key], "text[]")}),
            "(select epoch from policy_epoch)",
        ]
        return Statement(f"{found} select {', '.join(columns)}", self.parameters.values)

    def columns(self, type_name: str, alias: str, children: Sequence[Field]) -> list[str]:
        """The selected fields of an object as SQL columns named by their response keys."""
        return [column(self._value(type_name, alias, child), child.key) for child in children]

    def _value(self, type_name: str, alias: str, child: Field) -> str:
        mapped = TYPES[type_name]
        if child.name == TYPENAME:
            return f"'{type_name}'"
        if child.name in mapped.scalars:
            return self._fill(mapped.scalars[child.name], alias)
        relation = mapped.relations[child.name]
        match relation:
            case Inline():
                inner = json_object(self.columns(relation.type_name, alias, child.children))
                return f"case when {self._fill(relation.present, alias)} then {inner} end"
            case One():
                inner_alias = self._alias()
                where = self._fill(relation.condition, inner_alias, outer=alias)
                source = f" from {relation.table} {inner_alias} where {where}"
                return json_object(self.columns(relation.type_name, inner_alias, child.children), source)
            case Many():
                inner_alias = self._alias()
                where = self._fill(relation.condition, inner_alias, outer=alias)
                source = f" from {relation.table} {inner_alias} where {where} order by {inner_alias}.{relation.order}"
                return json_list(self.columns(relation.type_name, inner_alias, child.children), source)
            case Related():
                return self._nested(relation, alias, child)

    def _nested(self, relation: Related, outer: str, child: Field) -> str:
        """A nested connection as one JSON object; its federation report is null, since it is of one city."""
        first = self.limits.check(relation.type_name, child.arguments.get("first", 20))
        binding = binding_of(child.name, child.arguments)
        after = child.arguments.get("after")
        position = decode(after, binding).start_for(self.city) if after is not None else None
        link = self._fill(relation.condition, "{t}", outer=outer)
        page = self._page(child, first, position, binding, extra=(link,))
        columns = []
        for part in child.children:
            if part.name in ROWS:
                columns.append(column(page.rows(part), part.key))
            elif part.name == "pageInfo":
                columns.append(column(page.info(part, has_previous=after is not None), part.key))
            elif part.name == TYPENAME:
                columns.append(column(f"'{child.type_name}'", part.key))
            else:
                columns.append(column("null::json", part.key))
        return f"({page.sql} {json_object(columns)[1:]}"

    def _page(self, node: Field, first: int, after: Position | None, binding: str, extra: Sequence[str]) -> _Page:
        type_name = node.type_name.removesuffix("Connection")
        listed = LISTS[type_name]
        order = listed.orders[node.arguments.get("orderBy", listed.default_order)]
        alias, name = self._alias(), f"page{self._aliases}"
        sort, key = self._fill(order.expression, alias), self._fill(listed.key, alias)
        direction = " desc" if order.descending else ""
        build = Builder(self.city, self.parameters)
        templates = [listed.granted, *extra, *conditions(type_name, node.arguments, build)]
        where = [self._fill(text, alias) for text in templates if "{t}." not in text or listed.parent is None]
        of_rows = [self._fill(text, alias) for text in templates if "{t}." in text and listed.parent is not None]
        if after is not None:
            (of_rows if listed.parent else where).append(self._after(order, after, sort, key))
        limit = f"limit {self.parameters.add(first + 1, 'int')}"
        source = self._fill(listed.source, alias)
        if listed.parent is not None:
            of_rows.append(self._fill(listed.link, alias))
            rows = f"select * from {source} where {all_of(of_rows)} order by {sort}{direction} {limit}"
            source = f"{self._fill(listed.parent, alias)} cross join lateral ({rows}) {alias}"
        ordering = f"order by {sort}{direction}, {key}"
        sql = (
            f"with {name} as materialized (select {self._fill(listed.columns, alias)},"
            f" {self._fill(order.text, alias)} as sort_, row_number() over ({ordering}) as rn_"
            f" from {source} where {all_of(where)} {ordering} {limit})"
        )
        return _Page(self, type_name, name, sql, first, binding, self.names["city"])

    def _after(self, order: Order, after: Position, sort: str, key: str) -> str:
        """Rows of this city that come after a position in the total order (sort key, city, key)."""
        mark = self.parameters.add(_cast_back(after.sort, order.cast), order.cast)
        beyond = "<" if order.descending else ">"
        if self.city < after.city:
            return f"{sort} {beyond} {mark}"
        if self.city > after.city:
            return f"{sort} {beyond}= {mark}"
        last = self.parameters.add(after.key, "text")
        return f"({sort} {beyond} {mark} or ({sort} = {mark} and {key} > {last}))"

    def _datasets(self, root: Field, page: _Page) -> str:
        """Keys of the datasets that the answer may contain rows of.

        Exact, unless the selection crosses from a thing to all its datastreams: then all that is within reach there.
        """
        if crosses(root):
            return f"select key from dataset d where d.id = any({self.names['readable']})"
        return self._fill(LISTS[page.type_name].datasets, "t", page=page.shown)

    def _denied(self, type_name: str, named: Mapping[str, str]) -> str:
        """Keys of datasets beyond the scope that belong to what was named: a denial leaves a record."""
        if not named:
            return "null"
        scope = self.names["observable" if type_name == "Observation" else "readable"]
        asked = " union ".join(DATASETS_OF[kind].format(keys=keys, scope=scope) for kind, keys in named.items())
        return f"(select array_agg(key) from dataset where id in ({asked}) and id <> all({scope}))"

    def _named(self, type_name: str, root: Field) -> dict[str, str]:
        """The keys in a list's filter as parameters, by the type that they are of."""
        values = root.arguments.get("filter") or {}
        arguments = {"ids": type_name, **NAMED_BY} if type_name in KINDS else NAMED_BY
        build = Builder(self.city, self.parameters)
        return {
            kind: build.ids(values[name], KINDS[kind], f"filter.{name}")
            for name, kind in arguments.items()
            if values.get(name) is not None
        }

    def _alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def _fill(self, template: str, alias: str, *, outer: str = "", page: str = "") -> str:
        return template.format(t=alias, o=outer, page=page, **self.names)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as a common table expression `name`; the row after `first` is there only to tell of the next page."""

    compiler: Compiler
    type_name: str
    name: str
    sql: str
    first: int
    binding: str
    city: str

    @property
    def shown(self) -> str:
        if not self.binding:
            return self.name
        return f"(select * from {self.name} where rn_ <= {self.first})"

    def rows(self, child: Field) -> str:
        """The JSON array of `edges` or `nodes`."""
        source = f" from {self.name} where rn_ <= {self.first} order by rn_"
        if child.name == "nodes":
            return json_list(self.compiler.columns(self.type_name, self.name, child.children), source)
        columns = []
        for part in child.children:
            if part.name == "node":
                value = json_object(self.compiler.columns(self.type_name, self.name, part.children))
            elif part.name == "cursor":
                value = self._cursor()
            else:
                value = f"'{child.type_name}'"
            columns.append(column(value, part.key))
        return json_list(columns, source)

    def info(self, child: Field, *, has_previous: bool) -> str:
        """The JSON object of `pageInfo`."""
        values = {
            "hasNextPage": f"(select count(*) > {self.first} from {self.name})",
            "hasPreviousPage": "true" if has_previous else "false",
            "startCursor": self.cursor_at("min"),
            "endCursor": self.cursor_at("max"),
            TYPENAME: "'PageInfo'",
        }
        return json_object([column(values[part.name], part.key) for part in child.children])

    def cursor_at(self, end: str) -> str:
        """The cursor of the first (`min`) or last (`max`) row shown."""
        at = f"(select {end}(rn_) from {self.name} where rn_ <= {self.first})"
        return f"(select {self._cursor()} from {self.name} where rn_ = {at})"

    def _cursor(self) -> str:
        binding = self.compiler.parameters.add(self.binding, "text")
        return cursor(binding, f"{self.name}.sort_", self.city, f"{self.name}.key")


def _cast_back(text: str, cast: str) -> str:
    """The sort key of a cursor, if it can be cast. Cursors come from outside."""
    try:
        if cast == "timestamptz":
            return datetime.fromisoformat(text).astimezone(UTC).isoformat()
        if cast == "bigint":
            return str(int(text))
    except (ValueError, OverflowError):
        raise BadInput("after: this is not a cursor", hint="take it from pageInfo.endCursor") from None
    return text
