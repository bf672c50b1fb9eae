"""How many rows a selection may bring: the page sizes of nested lists multiplied."""

from __future__ import annotations

from schema.errors import TooCostly
from schema.selection import Field

DEFAULT_FIRST = 20


def rows_asked(field: Field) -> int:
    """The largest number of rows that this field and everything below it can have."""
    below = sum(rows_asked(child) for child in field.children)
    if not field.type_name.endswith("Connection"):
        return below
    first = max(0, int(field.arguments.get("first", DEFAULT_FIRST)))
    return first * (1 + below)


def check_rows(field: Field, limit: int) -> None:
    """Refuse a selection that could bring more rows than the node allows.

    Raises:
        TooCostly: with the number and the limit.
    """
    asked = rows_asked(field)
    if asked > limit:
        raise TooCostly(
            f"{field.key}: asks for up to {asked} rows, nested lists multiplied; the limit is {limit}",
            hint="lower `first` of the outer or the nested list",
        )
