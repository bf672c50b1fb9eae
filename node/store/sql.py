"""SQL building blocks of the compiler: JSON text, cursors.

What is put into the text comes from this package's own tables, from counters, and from response keys, which GraphQL's
grammar limits to letters, digits and underscores. Values are parameters (`node.store.parameters`).

JSON is made by joining text: for 10,000 observations that takes 0.6 of the time of `json_agg`. An expression of JSON
text is never null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

LARGEST = "1.7976931348623157e308"


def literal(text: str) -> str:
    """Fixed JSON text."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def json_object(members: Iterable[tuple[str, str]]) -> str:
    """A JSON object of response keys and expressions of JSON text."""
    parts = [f"""'{"," if number else ""}"{key}":' || {value}""" for number, (key, value) in enumerate(members)]
    return joined("'{'", *parts, "'}'")


def joined(*parts: str) -> str:
    """Expressions of text one after the other; neighbouring literals become one."""
    return " || ".join(parts).replace("' || '", "")


def json_array(item: str) -> str:
    """The JSON array of an expression of JSON text, as an aggregate."""
    return f"'[' || coalesce(string_agg({item}, ','), '') || ']'"


def array_of(text: str) -> str:
    """The JSON array of an expression of text, as an aggregate."""
    return f"coalesce(to_json(array_agg({text}))::text, '[]')"


def selected(aggregate: str, source: str) -> str:
    """An aggregate over the rows of `source`, which is a sub-select in the order wanted."""
    return f"(select {aggregate} from {source})"


def json_value(expression: str, column: sa.Column[object]) -> str:
    """A column as JSON text."""
    kind = column.type
    if isinstance(kind, pg.ENUM):
        text = f"""'"' || {expression} || '"'"""
    elif isinstance(kind, sa.Double):  # JSON has no NaN and no infinities
        return f"case when {expression} between -{LARGEST} and {LARGEST} then {expression}::text else 'null' end"
    elif isinstance(kind, sa.Integer | sa.Boolean):
        text = f"{expression}::text"
    elif isinstance(kind, sa.String | sa.DateTime):
        text = json_text(expression)
    else:
        text = f"to_json({expression})"
    return f"coalesce({text}, 'null')" if column.nullable else text


def json_text(expression: str) -> str:
    """A text or a time that is not null as JSON text. `to_json` looks its type up for each row."""
    return f"json_scalar({expression})"


def long_ago(time: str) -> str:
    """A time as orders and their indexes have it: one that is missing counts as long ago."""
    return f"coalesce({time}, '0001-01-01 00:00:00+00'::timestamptz)"


def time_text(expression: str) -> str:
    """A time as text that sorts as times do: `2026-03-01 12:00:00.5+00`; the data path's sessions are in UTC."""
    return f"({expression})::text"


def cursor(binding: str, sort: str, city: str, key: str) -> str:
    """A cursor in the form of `schema.cursor`."""
    payload = f"json_build_array(1, {binding}, {sort}, {city}, {key})::text"
    return f"translate(encode(convert_to({payload}, 'UTF8'), 'base64'), E'+/=\\n', '-_')"


def all_of(conditions: Sequence[str]) -> str:
    """Conditions joined by and."""
    return " and ".join(conditions) if conditions else "true"
