"""Merge the pages of several cities into one page, in one total order: sort key, city, local key. Pure.

Each city was asked for rows after its own start: the watermark of the caller's cursor, or an older position if the city
had been away. Since every city returns its rows in order, those of the merge are right up to the end of the first page
after which there is more; that a page is long enough is up to whoever asked for it. What the next page needs is one
watermark, and an exception for each city whose rows have not been given out up to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from federation.rows import CityPage, OrderedRows, is_before
from federation.told import MAX_SUGGESTIONS
from schema.cursor import Cursor, Position

MAX_INT = 2**31 - 1  # of GraphQL's Int


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged page of `size` rows. `after(i)` is the cursor that follows the row with index i.

    `total` is the sum over the cities that answered, None if one of them did not count. `suggestions` are theirs in
    turns, the best of each first, if this is the first page and none of them has a row.
    """

    size: int
    has_next: bool
    total: int | None
    suggestions: Sequence[str]
    _rows: OrderedRows
    _starts: Mapping[str, Position | None]
    _failed: Collection[str]
    _previous: Position | None
    _binding: str
    _descending: bool

    def position(self, index: int) -> Position:
        """Where a row stands."""
        return self._rows.position(index)

    def column(self, selection: int) -> list[Any]:
        """One part of each row, as the cities gave it."""
        return self._rows.column(selection, self.size)

    @property
    def sorts(self) -> list[str]:
        """The sort key of each row."""
        return self._rows.sorts(self.size)

    @property
    def keys(self) -> list[str]:
        """The local key of each row."""
        return self._rows.keys(self.size)

    def after(self, index: int) -> Cursor:
        """The cursor with which the page after this row is asked for."""
        return self._cursor(self.position(index))

    @property
    def by_city(self) -> Counter[str]:
        """How many rows each city has."""
        return self._rows.by_city(self.size)

    @property
    def late(self) -> Counter[str]:
        """How many rows of each city stand before the watermark: it was away when their page was asked for."""
        found: Counter[str] = Counter()
        for index in range(self.size if self._previous is not None else 0):
            position = self.position(index)
            if not self._before(position, self._previous):
                break
            found[position.city] += 1
        return found

    @property
    def end(self) -> Cursor | None:
        """The cursor for the next page; None if nothing has been given out yet and nothing needs to be remembered."""
        if self.size:
            return self.after(self.size - 1)
        return None if self._previous is None else self._cursor(None)

    def _cursor(self, last: Position | None) -> Cursor:
        watermark = self._later(self._previous, last)
        assert watermark is not None
        away: dict[str, Position | None] = {}
        for city, start in self._starts.items():
            given = start if city in self._failed else self._later(start, last)
            if given != watermark and self._before(given, watermark):
                away[city] = given
        return Cursor(self._binding, watermark, away)

    def _before(self, one: Position | None, other: Position | None) -> bool:
        """Whether `one` comes before `other`; None comes before everything."""
        return other is not None and (one is None or is_before(one, other, descending=self._descending))

    def _later(self, one: Position | None, other: Position | None) -> Position | None:
        """The one of the two that comes later."""
        return other if self._before(one, other) else one


def merge(
    pages: Collection[CityPage],
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
        pages: of each city one, in the total order.
        starts: for every city that was asked, the position after which its rows were asked for.
        failed: the cities among them that did not answer.
        previous: the caller's cursor.
        first: length of the merged page.
        descending: whether the sort key descends. City and key always ascend.
        binding: of the caller's query, for the cursors.
    """
    rows = OrderedRows(pages, descending=descending)
    has_next = len(rows) > first or any(page.has_next for page in pages)
    return Merged(
        size=min(first, rows.certain()),
        has_next=has_next,
        total=_sum([page.total for page in pages]),
        suggestions=[] if len(rows) or has_next or previous else _in_turns(pages),
        _rows=rows,
        _starts=starts,
        _failed=failed,
        _previous=previous.watermark if previous else None,
        _binding=binding,
        _descending=descending,
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return min(sum(known), MAX_INT) if len(known) == len(counts) else None


def _in_turns(pages: Collection[CityPage]) -> list[str]:
    """The first suggestion of each city, then the second of each …, each text once."""
    lists = [page.suggestions for page in sorted(pages, key=lambda page: page.city)]
    found = dict.fromkeys(text for text in chain.from_iterable(zip_longest(*lists)) if text is not None)
    return list(found)[:MAX_SUGGESTIONS]
