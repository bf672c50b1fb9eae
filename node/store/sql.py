"""SQL building blocks of the compiler: parameters, quoted response keys, JSON, cursors.

Values from outside become parameters, always. What is put into the text comes from this package's own tables, from
counters, and from response keys, which GraphQL's grammar limits to letters, digits and underscores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

TIME_TEXT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


@dataclass(slots=True)
class Parameters:
    """Named parameters of a statement."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any, cast: str) -> str:
        """The placeholder for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s::{cast}"


def column(expression: str, key: str) -> str:
    """`expression as "key"`."""
    return f'{expression} as "{key}"'


def json_object(columns: Sequence[str], source: str = "") -> str:
    """A scalar sub-select that gives one row as a JSON object, or null if there is no row."""
    return f"(select row_to_json(x) from (select {', '.join(columns)}{source}) x)"


def json_list(columns: Sequence[str], source: str) -> str:
    """A scalar sub-select that gives rows as a JSON array of objects."""
    return f"(select coalesce(json_agg(x), '[]'::json) from (select {', '.join(columns)}{source}) x)"


def time_text(expression: str) -> str:
    """A time as UTC text with microseconds: it sorts as the times do."""
    return f"to_char({expression} at time zone 'UTC', '{TIME_TEXT}')"


def cursor(binding: str, sort: str, city: str, key: str) -> str:
    """A cursor in the form of `schema.cursor`."""
    payload = f"json_build_array(1, {binding}, {sort}, {city}, {key})::text"
    return f"translate(encode(convert_to({payload}, 'UTF8'), 'base64'), E'+/=\\n', '-_')"


def all_of(conditions: Sequence[str]) -> str:
    """Conditions joined by and."""
    return " and ".join(conditions) if conditions else "true"
