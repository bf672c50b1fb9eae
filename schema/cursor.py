"""Cursors of merged pages: one watermark for all cities, and an exception for each city that was away.

Rows have one total order: sort key, city, local key. The watermark is the position of the last row that was given out,
so it serves every city. A city that did not answer is remembered with the older position up to which its rows were
given out; when it comes back its rows are not lost. A cursor is bound to the query by a digest of its arguments. It
carries positions only, no rights: whoever presents it sees what their own token allows.

The text is URL-safe base64 of a JSON array, `[1, binding, sort, city, key, [[[city …], sort, city, key] …]]`: cities
that were away together share a position. SQL writes the same form without exceptions (`node.store.sql`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec
import orjson

from schema.errors import BadInput

VERSION = 1
MAY_CHANGE = frozenset({"first", "after", "require", "quorum", "deadlineMs"})  # from page to page
MAX_LENGTH = 16_384


class Position(NamedTuple):
    """Where a row stands in the total order. `sort` is the sort key as text that compares by code points."""

    sort: str
    city: str
    key: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """The watermark, and for each city that was away the position that its rows were given out to (None: none yet)."""

    binding: str
    watermark: Position
    away: Mapping[str, Position | None] = field(default_factory=dict)

    def start_for(self, city: str) -> Position | None:
        """The position after which this city's rows are still to come."""
        return self.away.get(city, self.watermark)


def binding_of(root_field: str, arguments: Mapping[str, Any]) -> str:
    """Digest of everything that must stay the same from page to page."""
    fixed = {name: value for name, value in arguments.items() if value is not None and name not in MAY_CHANGE}
    canonical = orjson.dumps([root_field, fixed], option=orjson.OPT_SORT_KEYS)
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()[:9]).decode()


def encode(cursor: Cursor) -> str:
    """The cursor as opaque text."""
    mark = cursor.watermark
    parts: list[Any] = [VERSION, cursor.binding, mark.sort, mark.city, mark.key]
    if cursor.away:
        together: dict[Position | None, list[str]] = {}
        for city in sorted(cursor.away):
            together.setdefault(cursor.away[city], []).append(city)
        parts.append([[cities, *(position or ())] for position, cities in together.items()])
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


def decode(text: str, binding: str) -> Cursor:
    """Read a cursor that belongs to the query with this binding.

    Raises:
        BadInput: it is malformed, or belongs to another query.
    """
    cursor = _parse(text)
    if cursor is None:
        raise no_cursor()
    if cursor.binding != binding:
        raise BadInput(
            "after: this cursor belongs to another query",
            hint="page with the same cities, filter and order",
        )
    return cursor


def no_cursor() -> BadInput:
    """What is told of a text that no node has given out."""
    return BadInput("after: this is not a cursor", hint="take it from pageInfo.endCursor or from an edge")


def bound_to(text: str, binding: str) -> str:
    """The same cursor for a query with another binding; what is no cursor stays as it is."""
    cursor = _parse(text)
    return text if cursor is None else encode(replace(cursor, binding=binding))


def _parse(text: str) -> Cursor | None:
    if len(text) > MAX_LENGTH:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        parts = msgspec.json.decode(raw, type=list[Any])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
    if len(parts) not in {5, 6} or parts[0] != VERSION or not all(map(_is_text, parts[1:5])):
        return None
    away: dict[str, Position | None] = {}
    for entry in parts[5] if len(parts) == 6 and isinstance(parts[5], list) else []:
        if not isinstance(entry, list) or len(entry) not in {1, 4} or not isinstance(entry[0], list):
            return None
        if not all(map(_is_text, [*entry[0], *entry[1:]])):
            return None
        away |= dict.fromkeys(entry[0], Position(*entry[1:]) if len(entry) == 4 else None)
    return Cursor(parts[1], Position(*parts[2:5]), away)


def _is_text(part: object) -> bool:
    """Text that PostgreSQL can take: it has no NUL."""
    return isinstance(part, str) and "\x00" not in part
