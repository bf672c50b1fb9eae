"""The walk through a selection: an object as JSON text, with all that is selected below it."""

from __future__ import annotations

from functools import partial

from node.store.draft import Draft
from node.store.mapping import TYPES, Inline, One, Related
from node.store.page import NumberedPage, asked_of, info_json
from node.store.rows import Rows, rows_of
from node.store.spellings import spellings
from node.store.sql import all_of, json_array, json_object, literal, selected
from node.store.start import nested_position
from schema.selection import TYPENAME, Field


def object_json(alias: str, node: Field, draft: Draft) -> str:
    """The selected fields of an object as JSON text. `alias` is that of its row."""
    return json_object((child.key, _value(node.type_name, alias, child, draft)) for child in node.children)


def _value(type_name: str, alias: str, child: Field, draft: Draft) -> str:
    mapped = TYPES[type_name]
    if child.name == TYPENAME:
        return literal(f'"{type_name}"')
    if child.name in mapped.scalars:
        return draft.fill(mapped.scalars[child.name], alias)
    relation = mapped.relations[child.name]
    if isinstance(relation, Related):
        return _connection(relation, alias, child, draft)
    if isinstance(relation, Inline):
        present = draft.fill(relation.present, alias)
        return f"case when {present} then {object_json(alias, child, draft)} else 'null' end"
    inner = draft.alias()
    source = f"{relation.table} {inner} where {draft.fill(relation.condition, inner, outer=alias)}"
    if isinstance(relation, One):
        return f"coalesce((select {object_json(inner, child, draft)} from {source}), 'null')"
    rows = f"(select {inner}.* from {source} order by {inner}.{relation.order}) {inner}"
    return selected(json_array(object_json(inner, child, draft)), rows)


def _connection(relation: Related, outer: str, child: Field, draft: Draft) -> str:
    """A nested connection as one JSON object; its federation report is null, since it is of one city."""
    asked = asked_of(child)
    has_after = child.arguments.get("after") is not None
    position = nested_position(draft.arguments_of(child)) if has_after else None
    rows = rows_of(child, draft, position, relation, outer)
    page = rows.plain() if asked.is_single and not asked.next else rows.numbered(child, draft)
    members = []
    for part in child.children:
        if part in asked.rows:
            value = page.array(part, partial(object_json, draft=draft))
        elif part in asked.of_all:
            value = of_all(part, child, rows, draft)
        elif part.name == "pageInfo":
            value = info_json(part, page, has_previous=has_after)
        else:
            value = literal(f'"{child.type_name}"' if part.name == TYPENAME else "null")
        members.append((part.key, value))
    json = json_object(members)
    return f"({page.sql} select {json})" if isinstance(page, NumberedPage) else json


def of_all(child: Field, connection: Field, rows: Rows, draft: Draft) -> str:
    """What a connection tells of all its rows, as JSON text."""
    matching = f"from {rows.source} where {all_of(rows.matching)}"
    if child.name == "totalCount":
        return f"(select count(*) {matching})::text"
    spelled = draft.fill(spellings(connection.arguments, draft.arguments_of(connection)), draft.alias())
    return f"case when exists (select {matching}) then '[]' else {spelled} end"
