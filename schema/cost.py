"""What a selection may bring, computed from the document and its arguments before anything runs."""

from __future__ import annotations

from schema.errors import TooCostly
from schema.selection import Field

DEFAULT_FIRST = 20


def rows_asked(field: Field) -> int:
    """The largest number of rows that this field and everything below it can have: page sizes multiplied."""
    below = sum(rows_asked(child) for child in field.children)
    return _first(field) * (1 + below) if _is_list(field) else below


def values_asked(field: Field) -> int:
    """The largest number of values: each selected leaf counts once per row, under every alias."""
    if not field.children:
        return 1
    below = sum(values_asked(child) for child in field.children)
    return _first(field) * below if _is_list(field) else below


def check_cost(field: Field, *, rows: int, values: int) -> None:
    """Refuse a selection that could bring more than the node allows.

    Raises:
        TooCostly: with the number and the limit.
    """
    for what, asked, limit in (("rows", rows_asked(field), rows), ("values", values_asked(field), values)):
        if asked > limit:
            raise TooCostly(
                f"{field.key}: asks for up to {asked} {what}, nested lists multiplied; the limit is {limit}",
                hint="lower `first` of the outer or the nested list, or select fewer fields",
            )


def _is_list(field: Field) -> bool:
    return field.type_name.endswith("Connection")


def _first(field: Field) -> int:
    return max(0, int(field.arguments.get("first", DEFAULT_FIRST)))
