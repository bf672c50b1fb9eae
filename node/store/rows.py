"""The rows of a connection: where they come from, which of them, in which order, and how many make a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from node.store.draft import Draft
from node.store.filters import conditions
from node.store.limits import PageLimits
from node.store.lists import FoundBy, Listed, Order, listed_of, order_of
from node.store.mapping import Related
from node.store.page import NumberedPage, PlainPage
from node.store.parameters import Bind, Inputs, Path, locate
from node.store.sql import all_of
from node.store.start import after
from schema.cursor import binding_of
from schema.selection import Field

DEFAULT_FIRST = 20


@dataclass(frozen=True, slots=True)
class Rows:
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
        """The total order as SQL."""
        return f"order by {self.sort}{' desc' if self.order.descending else ''}{self.ties}"

    def plain(self) -> PlainPage:
        """The page without cursors, read once."""
        limit = f"{self.ordering} limit {self.first}"
        sql = f"select {self.columns} from {self.source} where {all_of(self.conditions)} {limit}"
        return PlainPage(self.alias, sql, self.sort_text)

    def numbered(self, connection: Field, draft: Draft) -> NumberedPage:
        """The page with cursors, which are bound to the arguments of its connection."""
        name = f"page{self.alias}"
        field_name, path = connection.name, draft.arguments_of(connection).at
        binding = draft.parameters.add(
            lambda inputs: binding_of(field_name, locate(inputs.root, path).arguments), "text"
        )
        sql = (
            f"with {name} as materialized (select {self.columns}, row_number() over ({self.ordering}) as rn_"
            f" from {self.source} where {all_of(self.conditions)} {self.ordering} limit {self.first} + 1)"
        )
        return NumberedPage(name, sql, self.first, binding, draft.fill(self.order.text, name), draft.names["city"])


def rows_of(
    connection: Field, draft: Draft, position: Bind | None, relation: Related | None = None, outer: str = ""
) -> Rows:
    """The rows of a connection that come after a position; nested in `outer` by a relation, or a root field's."""
    type_name = connection.type_name.removesuffix("Connection")
    listed = listed_of(type_name, connection.arguments)
    alias, build = draft.alias(), draft.arguments_of(connection)
    order = order_of(listed, connection.arguments, build)
    first = draft.parameters.add(_first(type_name, build.at, draft.limits), "int")
    templates = [listed.granted, *conditions(type_name, connection.arguments, build)]
    if relation is not None and not relation.by_outer:
        templates.append(relation.condition)
    parent = outer if relation is not None and relation.by_outer else f"{alias}s"
    fill = partial(draft.fill, alias=alias, outer=outer, parent=parent)
    sort, key = fill(order.expression), fill(listed.key)
    of_parent = [fill(text) for text in templates if listed.parent is not None and "{t}." not in text]
    where = [fill(text) for text in templates if listed.parent is None or "{t}." in text]
    matching = where
    if position is not None:
        where = [*where, after(position, order, sort, key, draft)]
    rows = Rows(
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
        return replace(rows, conditions=[_found(listed, listed.found_by, rows, templates, position, draft)])
    if listed.parent is None:
        return rows
    if parent == outer:
        return replace(rows, conditions=[fill(listed.link), *of_parent, *where], ties="")
    # read parent by parent, each no further than the page needs
    ties = rows.ties if "{t}." in listed.key else ""  # a key of the parent is the same for all its rows
    inner = replace(rows, columns="*", conditions=[fill(listed.link), *where], ties=ties, first=f"{first} + 1").plain()
    source = f"{fill(listed.parent)} cross join lateral ({inner.source}) {alias}"
    return replace(rows, source=source, conditions=of_parent)


def _first(type_name: str, path: Path, limits: PageLimits) -> Bind:
    """How many rows are wanted: within the limits, and of observations what the caller may have at most."""

    def most(inputs: Inputs) -> int:
        asked = limits.check(type_name, locate(inputs.root, path).arguments.get("first", DEFAULT_FIRST))
        return min(asked, inputs.scope.most_rows) if type_name == "Observation" else asked

    return most


def _found(
    listed: Listed,
    found_by: FoundBy,
    rows: Rows,
    templates: Sequence[str],
    position: Bind | None,
    draft: Draft,
) -> str:
    """The condition that a row is one of those that a list's own query finds."""
    fill = partial(draft.fill, alias="r", parent="k")
    of_row = [fill(text) for text in templates if "{t}." in text]
    of_kind = [fill(text) for text in templates if "{t}." not in text]
    if position is not None:
        of_row.append(after(position, rows.order, fill(rows.order.expression), fill(listed.key), draft))
    ids = found_by(record=all_of(of_row), kind=all_of(of_kind), first=f"{rows.first} + 1")
    return f"{rows.alias}.id = any(array({ids}))"
