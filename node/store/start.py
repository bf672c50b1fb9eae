"""Where a page begins: after a position in the total order (sort key, city, key)."""

from __future__ import annotations

from datetime import UTC, datetime

from node.store.arguments import Builder
from node.store.draft import Draft
from node.store.lists import Order
from node.store.parameters import Bind, Inputs, locate
from schema.cursor import Position, binding_of, decode, no_cursor
from schema.errors import BadInput


def root_position(inputs: Inputs) -> Position | None:
    """That of a root connection, which the gate has found for this city."""
    return inputs.after


def nested_position(build: Builder) -> Bind:
    """That of a nested connection, from its argument `after`."""
    city, path = build.city, build.at

    def position(inputs: Inputs) -> Position:
        found = locate(inputs.root, path)
        cursor = decode(found.arguments["after"], binding_of(found.name, found.arguments))
        start = cursor.start_for(city)
        if start is None:
            raise BadInput("after: this cursor belongs to another list", hint="take it from this list's pageInfo")
        return start

    return position


def after(position: Bind, order: Order, sort: str, key: str, draft: Draft) -> str:
    """The condition on rows of this city that they come after a position; `sort` and `key` are their expressions."""
    city, add = draft.city, draft.parameters.add
    mark = add(lambda inputs: _cast_back(position(inputs).sort, order.cast), order.cast)
    later_city = add(lambda inputs: city > position(inputs).city, "bool")
    same_city = add(lambda inputs: city == position(inputs).city, "bool")
    last = add(lambda inputs: position(inputs).key, "text")
    beyond = "<" if order.descending else ">"
    ties = f"{later_city} or ({same_city} and {key} > {last})"
    return f"{sort} {beyond}= {mark} and ({sort} {beyond} {mark} or {ties})"


def _cast_back(text: str, cast: str) -> str:
    """The sort key of a cursor, if it can be cast. Cursors come from outside."""
    try:
        if cast == "timestamptz":
            return datetime.fromisoformat(text).astimezone(UTC).isoformat()
        if cast == "bigint":
            return str(int(text))
    except (ValueError, OverflowError):
        raise no_cursor() from None
    return text
