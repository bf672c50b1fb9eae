"""Compile a selection tree into one SQL statement that answers in JSON text.

Pure: a tree in, text and binds out. A statement serves every request of the same form: the grant and the values of
arguments are parameters. Grants are part of the statement, at every level, never a filter afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from node.store.arguments import Builder
from node.store.filters import conditions
from node.store.lists import LISTS, FoundBy, Listed, Order, listed_of, order_of
from node.store.mapping import TYPES, Inline, One, Related
from node.store.page import Asked, NumberedPage, PlainPage, asked_of, info_json
from node.store.parameters import ID_ARRAY, Bind, Inputs, Names, Parameters, Path, Statement, locate
from node.store.reach import DATASET_COLUMN, KINDS, NAMED_BY, crosses
from node.store.spellings import spellings
from node.store.sql import all_of, json_array, json_object, literal, selected
from schema.cursor import Position, binding_of, decode
from schema.errors import BadInput
from schema.selection import TYPENAME, Field

EPOCH = "(select epoch from policy_epoch)"
DEFAULT_FIRST = 20


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
class _Rows:
    """Where a page's rows come from, in order; `matching` are the conditions without where the page begins."""

    alias: str
    source: str
    columns: str
    conditions: Sequence[str]
    matching: Sequence[str]
    order: Order
    sort_text: str
    sort: str
    ties: str
    first: str

    @property
    def ordering(self) -> str:
        return f"order by {self.sort}{' desc' if self.order.descending else ''}{self.ties}"

    def plain(self) -> PlainPage:
        limit = f"{self.ordering} limit {self.first}"
        sql = f"select {self.columns} from {self.source} where {all_of(self.conditions)} {limit}"
        return PlainPage(self.alias, sql, self.sort_text)


@dataclass(slots=True)
class Compiler:
    """Compiles for one city; use a new one for each statement. `sets`: the type that sets of datasets are bound as."""

    city: str
    limits: PageLimits = field(default_factory=PageLimits)
    sets: str = ID_ARRAY
    parameters: Parameters = field(default_factory=Parameters)
    names: Names = field(init=False)
    _aliases: int = 0
    _paths: dict[int, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = Names(
            city=lambda: self.parameters.constant(self.city, "text"),
            readable=lambda: self.parameters.add_text(lambda inputs: inputs.scope.readable_set, self.sets),
            observable=lambda: self.parameters.add_text(lambda inputs: inputs.scope.observable_set, self.sets),
            readable_ids=lambda: self.parameters.add(lambda inputs: inputs.scope.readable, ID_ARRAY),
            observable_ids=lambda: self.parameters.add(lambda inputs: inputs.scope.observable, ID_ARRAY),
        )

    def list_statement(self, root: Field, *, after: bool = False) -> Statement:
        """The statement of a root connection; `after`: whether it goes on from a position.

        Columns: JSON of each child with a value for each row, and of each that tells of all; number of rows, whether
        there is a next page, first and last cursor (these three only if they are selected), ids of the datasets whose
        rows it has (an array), keys of datasets that the filter names but the scope denies (a JSON array; both null for
        none), policy epoch.
        """
        self._paths = _paths(root)
        asked = asked_of(root)
        type_name = root.type_name.removesuffix("Connection")
        rows = self._rows(root, position=(lambda inputs: inputs.after) if after else None)
        denied = self.denied(type_name, self.named(type_name, root))
        if asked.is_plain and type_name in DATASET_COLUMN and not crosses(root):
            sql = self._plain_list(type_name, root, rows, asked, denied)
        else:
            sql = self._numbered_list(type_name, root, rows, asked, denied)
        return self.parameters.statement(sql, asked.rows + asked.of_all)

    def _plain_list(self, type_name: str, root: Field, rows: _Rows, asked: Asked, denied: str) -> str:
        page = rows.plain()
        arrays = [page.gathered(child, self.object) for child in asked.rows]
        aggregates = [f"{array} as json{number}_" for number, array in enumerate(arrays)]
        aggregates += [
            "count(*) as count_",
            f"array_agg({page.alias}.{DATASET_COLUMN[type_name]}) as touched_",
        ]
        columns = [f"json{number}_" for number in range(len(arrays))]
        columns += [self._of_all(child, root, rows) for child in asked.of_all]
        columns += ["count_", self._has_next(rows) if asked.next else "false", "null", "null"]
        # not `distinct` beside the rows, which would sort them by dataset; a short array isn't worth a query either
        distinct = "(select array_agg(distinct id) from unnest(touched_) touched (id))"
        columns += [distinct if type_name == "Observation" else "touched_", denied, EPOCH]
        summary = f"select {', '.join(aggregates)} from ({page.source}) {page.alias}"
        return f"select {', '.join(columns)} from ({summary}) page"

    def _has_next(self, rows: _Rows) -> str:
        """Whether there is a row after a full page, found without its columns."""
        others = f"select from {rows.source} where {all_of(rows.conditions)} offset {rows.first}"
        return f"count_ = {rows.first} and exists ({others})"

    def _numbered_list(self, type_name: str, root: Field, rows: _Rows, asked: Asked, denied: str) -> str:
        page = self._numbered(root, rows)
        columns = [page.array(child, self.object) for child in asked.rows]
        columns += [self._of_all(child, root, rows) for child in asked.of_all]
        columns += [f"(select count(*) from {page.shown} shown)", page.has_next]
        columns += [page.cursor_at("min"), page.cursor_at("max")] if asked.cursors else ["null", "null"]
        touched = self._datasets(root, type_name, page.shown)
        columns += [f"(select array_agg(distinct id) from ({touched}) touched (id))", denied, EPOCH]
        return f"{page.sql} select {', '.join(columns)}"

    def single_statement(self, root: Field) -> Statement:
        """The statement of one object by its key.

        Columns: JSON and ids of its datasets (an array), both null if there is none; policy epoch.
        """
        self._paths = _paths(root)
        listed = LISTS[root.type_name]
        alias = self._alias()
        key = self.parameters.add(lambda inputs: inputs.key, "text")
        condition = all_of([f"{alias}.key = {key}", self.fill(listed.granted, alias)])
        if root.type_name in DATASET_COLUMN and not crosses(root):
            touched = f"array[{alias}.{DATASET_COLUMN[root.type_name]}]"
        else:
            ids = self._datasets(root, root.type_name, f"(select {alias}.*)")
            touched = f"(select array_agg(distinct id) from ({ids}) touched (id))"
        found = f"{alias}.id is not null"
        columns = [
            f"case when {found} then {self.object(alias, root)} end",
            f"case when {found} then {touched} end",
            EPOCH,
        ]
        source = f"(select) one left join {self.fill(listed.source, alias)} on {condition}"
        return self.parameters.statement(f"select {', '.join(columns)} from {source}")

    def denied_statement(self, type_name: str) -> Statement:
        """Which datasets beyond the scope an object belongs to; columns: their keys (a JSON array), policy epoch."""
        keys = self.parameters.add(lambda inputs: [inputs.key], "text[]")
        return self.parameters.statement(f"select {self.denied(type_name, {type_name: keys})}, {EPOCH}")

    def learn_paths(self, root: Field) -> None:
        """Remember where the fields of a result lie: nested lists below `object` read their arguments by that."""
        self._paths = _paths(root)

    def object(self, alias: str, node: Field) -> str:
        """The selected fields of an object as JSON text. `alias` is that of its row."""
        return json_object((child.key, self._value(node.type_name, alias, child)) for child in node.children)

    def _value(self, type_name: str, alias: str, child: Field) -> str:
        mapped = TYPES[type_name]
        if child.name == TYPENAME:
            return literal(f'"{type_name}"')
        if child.name in mapped.scalars:
            return self.fill(mapped.scalars[child.name], alias)
        relation = mapped.relations[child.name]
        if isinstance(relation, Related):
            return self._nested(relation, alias, child)
        if isinstance(relation, Inline):
            return f"case when {self.fill(relation.present, alias)} then {self.object(alias, child)} else 'null' end"
        inner = self._alias()
        source = f"{relation.table} {inner} where {self.fill(relation.condition, inner, outer=alias)}"
        if isinstance(relation, One):
            return f"coalesce((select {self.object(inner, child)} from {source}), 'null')"
        rows = f"(select {inner}.* from {source} order by {inner}.{relation.order}) {inner}"
        return selected(json_array(self.object(inner, child)), rows)

    def _nested(self, relation: Related, outer: str, child: Field) -> str:
        """A nested connection as one JSON object; its federation report is null, since it is of one city."""
        asked = asked_of(child)
        has_after = child.arguments.get("after") is not None
        rows = self._rows(child, self._nested_position(child) if has_after else None, relation, outer)
        page = rows.plain() if asked.is_single and not asked.next else self._numbered(child, rows)
        members = []
        for part in child.children:
            if part in asked.rows:
                value = page.array(part, self.object)
            elif part in asked.of_all:
                value = self._of_all(part, child, rows)
            elif part.name == "pageInfo":
                value = info_json(part, page, has_previous=has_after)
            else:
                value = literal(f'"{child.type_name}"' if part.name == TYPENAME else "null")
            members.append((part.key, value))
        json = json_object(members)
        return f"({page.sql} select {json})" if isinstance(page, NumberedPage) else json

    def _of_all(self, child: Field, connection: Field, rows: _Rows) -> str:
        """What a connection tells of all its rows, as JSON text."""
        matching = f"from {rows.source} where {all_of(rows.matching)}"
        if child.name == "totalCount":
            return f"(select count(*) {matching})::text"
        build = Builder(self.city, self.parameters, self._paths[id(connection)])
        spelled = self.fill(spellings(connection.arguments, build), self._alias())
        return f"case when exists (select {matching}) then '[]' else {spelled} end"

    def _rows(self, node: Field, position: Bind | None, relation: Related | None = None, outer: str = "") -> _Rows:
        """The rows of a connection; nested in `outer` by a relation, or a root field's."""
        type_name = node.type_name.removesuffix("Connection")
        listed = listed_of(type_name, node.arguments)
        alias = self._alias()
        path, limits = self._paths[id(node)], self.limits
        build = Builder(self.city, self.parameters, path)
        order = order_of(listed, node.arguments, build)

        def most(inputs: Inputs) -> int:
            asked = limits.check(type_name, locate(inputs.root, path).arguments.get("first", DEFAULT_FIRST))
            return min(asked, inputs.scope.most_rows) if type_name == "Observation" else asked

        first = self.parameters.add(most, "int")
        templates = [listed.granted, *conditions(type_name, node.arguments, build)]
        if relation is not None and not relation.by_outer:
            templates.append(relation.condition)
        parent = outer if relation is not None and relation.by_outer else f"{alias}s"
        fill = partial(self.fill, alias=alias, outer=outer, parent=parent)
        sort, key = fill(order.expression), fill(listed.key)
        of_parent = [fill(text) for text in templates if listed.parent is not None and "{t}." not in text]
        where = [fill(text) for text in templates if listed.parent is None or "{t}." in text]
        matching = where
        if position is not None:
            where = [*where, self._after(order, position, sort, key)]
        rows = _Rows(
            alias,
            fill(listed.source),
            fill(listed.columns),
            where,
            matching,
            order,
            fill(order.text),
            sort,
            f", {key}",
            first,
        )
        if listed.found_by is not None:
            return replace(rows, conditions=[self._found(listed, listed.found_by, rows, templates, position)])
        if listed.parent is None:
            return rows
        if parent == outer:
            return replace(rows, conditions=[fill(listed.link), *of_parent, *where], ties="")
        # read parent by parent, each no further than the page needs
        ties = rows.ties if "{t}." in listed.key else ""  # a key of the parent is the same for all its rows
        inner = replace(
            rows, columns="*", conditions=[fill(listed.link), *where], ties=ties, first=f"{first} + 1"
        ).plain()
        source = f"{fill(listed.parent)} cross join lateral ({inner.source}) {alias}"
        return replace(rows, source=source, conditions=of_parent)

    def _found(
        self, listed: Listed, found_by: FoundBy, rows: _Rows, templates: Sequence[str], position: Bind | None
    ) -> str:
        """The condition that a row is one of those that a list's own query finds."""
        fill = partial(self.fill, alias="r", parent="k")
        of_row = [fill(text) for text in templates if "{t}." in text]
        of_kind = [fill(text) for text in templates if "{t}." not in text]
        if position is not None:
            of_row.append(self._after(rows.order, position, fill(rows.order.expression), fill(listed.key)))
        ids = found_by(record=all_of(of_row), kind=all_of(of_kind), first=f"{rows.first} + 1")
        return f"{rows.alias}.id = any(array({ids}))"

    def _numbered(self, node: Field, rows: _Rows) -> NumberedPage:
        name = f"page{rows.alias}"
        path, field_name = self._paths[id(node)], node.name
        binding = self.parameters.add(
            lambda inputs: binding_of(field_name, locate(inputs.root, path).arguments), "text"
        )
        sql = (
            f"with {name} as materialized (select {rows.columns}, row_number() over ({rows.ordering}) as rn_"
            f" from {rows.source} where {all_of(rows.conditions)} {rows.ordering} limit {rows.first} + 1)"
        )
        return NumberedPage(name, sql, rows.first, binding, self.fill(rows.order.text, name), self.names["city"])

    def _nested_position(self, node: Field) -> Bind:
        path = self._paths[id(node)]

        def position(inputs: Inputs) -> Position:
            found = locate(inputs.root, path)
            cursor = decode(found.arguments["after"], binding_of(found.name, found.arguments))
            start = cursor.start_for(self.city)
            if start is None:
                raise BadInput("after: this cursor belongs to another list", hint="take it from this list's pageInfo")
            return start

        return position

    def _after(self, order: Order, position: Bind, sort: str, key: str) -> str:
        """Rows of this city that come after a position in the total order (sort key, city, key)."""
        city = self.city
        mark = self.parameters.add(lambda inputs: _cast_back(position(inputs).sort, order.cast), order.cast)
        later_city = self.parameters.add(lambda inputs: city > position(inputs).city, "bool")
        same_city = self.parameters.add(lambda inputs: city == position(inputs).city, "bool")
        last = self.parameters.add(lambda inputs: position(inputs).key, "text")
        beyond = "<" if order.descending else ">"
        ties = f"{later_city} or ({same_city} and {key} > {last})"
        return f"{sort} {beyond}= {mark} and ({sort} {beyond} {mark} or {ties})"

    def _datasets(self, root: Field, type_name: str, page: str) -> str:
        """Ids of the datasets that the answer may contain rows of.

        Exact, unless the selection crosses from a thing to all its datastreams: then all that is within reach there.
        """
        if crosses(root):
            return f"select unnest({self.names['readable_ids']})"
        return self.fill(LISTS[type_name].datasets, "t", page=page)

    def denied(self, type_name: str, named: Mapping[str, str]) -> str:
        """Keys of datasets beyond the scope that belong to what was named: a denial leaves a record."""
        if not named:
            return "null"
        scope = self.names["observable_ids" if type_name == "Observation" else "readable_ids"]
        found = " union ".join(f"select datasets_beyond('{kind}', {keys}, {scope})" for kind, keys in named.items())
        return f"(select json_agg(key) from ({found}) beyond (key))"

    def named(self, type_name: str, root: Field) -> dict[str, str]:
        """The keys in a list's filter as parameters, by the type that they are of."""
        values = root.arguments.get("filter") or {}
        arguments = {"ids": type_name, **NAMED_BY} if type_name in KINDS else NAMED_BY
        build = Builder(self.city, self.parameters)
        return {
            kind: build.ids(f"filter.{name}", KINDS[kind])
            for name, kind in arguments.items()
            if values.get(name) is not None
        }

    def _alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def fill(self, template: str, alias: str, *, outer: str = "", parent: str = "", page: str = "") -> str:
        """A template of `node.store.lists`, `mapping` or `filters` with its aliases."""
        return template.format_map(self.names.filled(t=alias, o=outer, p=parent, page=page))


def _paths(root: Field) -> dict[int, Path]:
    """Where each field of a tree lies, by identity."""
    found: dict[int, Path] = {}

    def visit(node: Field, path: Path) -> None:
        found[id(node)] = path
        for index, child in enumerate(node.children):
            visit(child, (*path, index))

    visit(root, ())
    return found


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
