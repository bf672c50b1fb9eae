"""Merge the pages of several cities into one page, in one total order: sort key, city, local key. Pure.

Each city was asked for rows after its own start: the watermark of the caller's cursor, or an older position if the city
had been away. Since every city returns its rows in order, those of the merge are right up to the end of the first page
after which there is more; that a page is long enough is up to whoever asked for it. What the next page needs is one
watermark, and an exception for each city whose rows have not been given out up to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from federation.told import MAX_SUGGESTIONS
from schema.cursor import Cursor, Position

MAX_INT = 2**31 - 1  # of GraphQL's Int


@dataclass(frozen=True, slots=True)
class Row:
    """A row of one city: where it stands, and its prepared parts."""

    position: Position
    parts: Any


@dataclass(frozen=True, slots=True)
class CityPage:
    """The rows that a city returned, in order, and whether it has more; what it counted and suggests, if asked."""

    rows: Sequence[Row]
    has_next: bool
    total: int | None = None
    suggestions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged page. `after(i)` is the cursor that follows the row with index i.

    `total` is the sum over the cities that answered, None if one of them did not count. `suggestions` are theirs in
    turns, the best of each first, if this is the first page and none of them has a row.
    """

    rows: Sequence[Row]
    has_next: bool
    total: int | None
    suggestions: Sequence[str]
    _starts: Mapping[str, Position | None]
    _failed: Collection[str]
    _previous: Position | None
    _binding: str
    _descending: bool

    def after(self, index: int) -> Cursor:
        """The cursor with which the page after this row is asked for."""
        return self._cursor(self.rows[index].position)

    @property
    def late(self) -> Sequence[Row]:
        """The rows that stand before the watermark: their city was away when their page was asked for."""
        if self._previous is None:
            return ()
        order = _Order(self._descending)
        return [row for row in self.rows if order.before(row.position, self._previous)]

    @property
    def end(self) -> Cursor | None:
        """The cursor for the next page; None if nothing has been given out yet and nothing needs to be remembered."""
        if self.rows:
            return self.after(len(self.rows) - 1)
        return None if self._previous is None else self._cursor(None)

    def _cursor(self, last: Position | None) -> Cursor:
        order = _Order(self._descending)
        watermark = order.later(self._previous, last)
        assert watermark is not None
        away: dict[str, Position | None] = {}
        for city, start in self._starts.items():
            given = start if city in self._failed else order.later(start, last)
            if given != watermark and order.before(given, watermark):
                away[city] = given
        return Cursor(self._binding, watermark, away)


@dataclass(frozen=True, slots=True)
class _Order:
    descending: bool

    def before(self, one: Position | None, other: Position) -> bool:
        """True if `one` comes before `other`; None comes before everything."""
        if one is None:
            return True
        if one.sort != other.sort:
            return (one.sort > other.sort) if self.descending else (one.sort < other.sort)
        return (one.city, one.key) < (other.city, other.key)

    def later(self, one: Position | None, other: Position | None) -> Position | None:
        """The one of the two that comes later."""
        if other is None:
            return one
        return other if self.before(one, other) else one


def merge(
    pages: Mapping[str, CityPage],
    *,
    starts: Mapping[str, Position | None],
    failed: Collection[str],
    previous: Cursor | None,
    first: int,
    descending: bool,
    binding: str,
) -> Merged:
    """Merge the pages of the cities that answered.

    Args:
        pages: by city; each in the total order.
        starts: for every city that was asked, the position after which its rows were asked for.
        failed: the cities among them that did not answer.
        previous: the caller's cursor.
        first: length of the merged page.
        descending: whether the sort key descends. City and key always ascend.
        binding: of the caller's query, for the cursors.
    """
    rows = in_order([row for page in pages.values() for row in page.rows], descending=descending)
    has_next = len(rows) > first or any(page.has_next for page in pages.values())
    certain = _certain(rows, pages, descending=descending)
    return Merged(
        rows=rows[: min(first, certain)],
        has_next=has_next,
        total=_sum([page.total for page in pages.values()]),
        suggestions=[]
        if rows or has_next or previous
        else _in_turns([pages[city].suggestions for city in sorted(pages)]),
        _starts=starts,
        _failed=failed,
        _previous=previous.watermark if previous else None,
        _binding=binding,
        _descending=descending,
    )


def _certain(rows: Sequence[Row], pages: Mapping[str, CityPage], *, descending: bool) -> int:
    """How many rows no city can have one before that it has not sent: those up to the first end of a page."""
    ends = [page.rows[-1] for page in pages.values() if page.has_next and page.rows]
    if not ends:
        return len(rows)
    end = in_order(ends, descending=descending)[0].position
    return sum(not is_before(end, row.position, descending=descending) for row in rows)


def in_order(rows: list[Row], *, descending: bool) -> list[Row]:
    """Sort rows in place, in the total order."""
    rows.sort(key=lambda row: (row.position.city, row.position.key))
    rows.sort(key=lambda row: row.position.sort, reverse=descending)  # stable: ties keep city and key ascending
    return rows


def is_before(one: Position, other: Position, *, descending: bool) -> bool:
    """Whether `one` comes before `other` in the total order."""
    return _Order(descending).before(one, other)


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return min(sum(known), MAX_INT) if len(known) == len(counts) else None


def _in_turns(lists: Sequence[Sequence[str]]) -> list[str]:
    """The first of each, then the second of each …, each text once."""
    found = dict.fromkeys(text for text in chain.from_iterable(zip_longest(*lists)) if text is not None)
    return list(found)[:MAX_SUGGESTIONS]
