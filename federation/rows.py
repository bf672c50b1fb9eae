"""Rows of several cities in one total order: sort key, city, local key. Pure.

They are kept as columns, and ordered by one sort of numbers: what is done for each of thousands of rows is done by the
interpreter's own loops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from typing import Any

from schema.cursor import Position


@dataclass(frozen=True, slots=True)
class CityPage:
    """The rows that a city returned, in order, and whether it has more; what it counted and suggests, if asked.

    `sorts` and `keys` are the columns of where the rows stand. `parts` has a column for each selection of nodes, with
    what was selected as JSON.
    """

    city: str
    sorts: Sequence[str]
    keys: Sequence[str]
    parts: Sequence[Sequence[Any]]
    has_next: bool
    total: int | None = None
    suggestions: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.sorts)

    def position(self, index: int) -> Position:
        """Where a row stands."""
        return Position(self.sorts[index], self.city, self.keys[index])

    @property
    def end(self) -> Position | None:
        """Where the last row stands."""
        return self.position(-1) if self.sorts else None


class OrderedRows:
    """The rows of some pages, each of another city, in the total order; numbered in that order."""

    def __init__(self, pages: Iterable[CityPage], *, descending: bool) -> None:
        self._pages = sorted(pages, key=lambda page: page.city)
        sorts = list(chain.from_iterable(page.sorts for page in self._pages))
        # stable, so that rows of one sort key stay by city, and as their city has them: by key
        self._order = sorted(range(len(sorts)), key=sorts.__getitem__, reverse=descending)
        self._first = [0, *accumulate(map(len, self._pages))]
        self._page_of = [*chain.from_iterable(repeat(n, len(page)) for n, page in enumerate(self._pages))]

    def __len__(self) -> int:
        return len(self._order)

    def position(self, number: int) -> Position:
        """Where a row stands."""
        at = self._order[number]
        page = self._page_of[at]
        return self._pages[page].position(at - self._first[page])

    def column(self, selection: int, end: int) -> list[Any]:
        """One part of each of the first `end` rows."""
        return self._ordered((page.parts[selection] for page in self._pages), end)

    def sorts(self, end: int) -> list[str]:
        """The sort key of each of the first `end` rows."""
        return self._ordered((page.sorts for page in self._pages), end)

    def keys(self, end: int) -> list[str]:
        """The local key of each of the first `end` rows."""
        return self._ordered((page.keys for page in self._pages), end)

    def _ordered(self, columns: Iterable[Sequence[Any]], end: int) -> list[Any]:
        values = list(chain.from_iterable(columns))
        return list(map(values.__getitem__, self._order[:end]))

    def by_city(self, end: int) -> Counter[str]:
        """How many of the first `end` rows each city has."""
        if end == len(self):
            return Counter({page.city: len(page) for page in self._pages if len(page)})
        found = Counter(map(self._page_of.__getitem__, self._order[:end]))
        return Counter({self._pages[page].city: count for page, count in found.items()})

    def certain(self) -> int:
        """How many rows no city can have one before that it has not sent: those up to the first end of a page."""
        ends = {end - 1 for page, end in zip(self._pages, self._first[1:], strict=True) if page.has_next and len(page)}
        if not ends:
            return len(self)
        return next(number for number, at in enumerate(self._order, 1) if at in ends)


def is_before(one: Position, other: Position, *, descending: bool) -> bool:
    """Whether `one` comes before `other` in the total order."""
    if one.sort != other.sort:
        return (one.sort > other.sort) if descending else (one.sort < other.sort)
    return (one.city, one.key) < (other.city, other.key)
