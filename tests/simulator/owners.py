"""Owners that hold their rows in memory and answer what a node answers, unless the schedule has them fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from federation.plan import PagePlan
from federation.report import CityReport, State
from node.gate.answer import PageInfo, connection_json
from node.store.reader import Page
from schema.cursor import Cursor, Position, binding_of, decode, encode
from schema.ports import Request
from schema.prepared import Prepared
from schema.selection import Field

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A thing, of which id and name are known."""

    city: str
    name: str
    key: str

    @property
    def id(self) -> str:
        """Global id."""
        return f"{self.city}:thing:{self.key}"

    @property
    def position(self) -> Position:
        """In the order by name."""
        return Position(self.name, self.city, self.key)


def in_order(rows: Sequence[Row], *, descending: bool) -> list[Row]:
    """By name, then city and key, which ascend always."""
    ordered = sorted(rows, key=lambda row: (row.city, row.key))
    return sorted(ordered, key=lambda row: row.name, reverse=descending)


class OwnersGate:
    """The gate of an owner: `things` by name, with the rows that it has."""

    def __init__(self, city: str, rows: Sequence[Row]) -> None:
        self.city = city
        self.withdrawn: set[str] = set()  # ids that the rules do not let through at the moment
        self.rows = {descending: in_order(rows, descending=descending) for descending in (False, True)}

    async def read(self, _request: Request, field: Field) -> Prepared:
        """As a node reads its own rows for a peer."""
        after = field.arguments.get("after")
        start = decode(after, binding_of(field.name, field.arguments)).start_for(self.city) if after else None
        page = self.page(field, start)
        info = PageInfo(page.has_next, after is not None, None, None)
        return Prepared(connection_json(field, page.columns, info, [CityReport(self.city, State.OK, as_of=AS_OF)]))

    def page(self, field: Field, start: Position | None) -> Page:
        """A page in the form of the store."""
        rows = [row for row in self.rows[PagePlan(field, ()).descending] if row.id not in self.withdrawn]
        at = 0 if start is None else next((n for n, row in enumerate(rows) if self._follows(field, row, start)), None)
        rest = rows[at:] if at is not None else []
        shown = rest[: field.arguments["first"]]
        columns = {
            child.key: orjson.dumps([self._element(child, row) for row in shown])
            for child in field.children
            if child.name in {"nodes", "sortKeys", "localKeys"}
        }
        binding = binding_of(field.name, field.arguments)
        start, end = (encode(Cursor(binding, row.position)) for row in (shown[0], shown[-1])) if shown else (None, None)
        return Page(columns, len(shown), len(rest) > len(shown), start, end, frozenset(), frozenset(), 1, AS_OF)

    @staticmethod
    def _follows(field: Field, row: Row, start: Position) -> bool:
        one, other = (row.name, row.city, row.key), (start.sort, start.city, start.key)
        if PagePlan(field, ()).descending:
            return one[0] < other[0] or (one[0] == other[0] and one[1:] > other[1:])
        return one > other

    @staticmethod
    def _element(child: Field, row: Row) -> Any:
        return _node(child, row) if child.name == "nodes" else {"sortKeys": row.name, "localKeys": row.key}[child.name]


def _node(selected: Field, row: Row) -> dict[str, Any]:
    values = {"id": row.id, "name": row.name, "city": row.city, "__typename": "Thing"}
    return {child.key: values[child.name] for child in selected.children}
