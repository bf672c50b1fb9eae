"""Ask many owners for what can still matter, not for a whole page each. Pure.

Of a page of 50 over 400 cities hardly one has more than three rows, so each is first asked for a few. The page is right
if no city of which there are more rows might have one before the page's last row. Those that might are asked once more,
for the rest of a page: then they have given all that a page can hold, so there are two rounds at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from federation.fanout import Outcome
from federation.merge import CityPage, in_order, is_before
from schema.cursor import Position

FEW_CITIES = 4
AT_LEAST = 8  # rows: asking again costs more than to send some that nobody needs
TIMES = 3  # what an even share of the page would be


def rows_each(first: int, cities: int) -> int:
    """How many rows each city is asked for at first."""
    if cities <= FEW_CITIES:
        return first
    return min(first, AT_LEAST + ceil(TIMES * first / cities))


def to_ask_again(outcomes: Mapping[str, Outcome[CityPage]], first: int, *, descending: bool) -> dict[str, Position]:
    """The cities that may have more rows for a page of `first`, and the position after which these come."""
    pages = {city: outcome.given for city, outcome in outcomes.items() if outcome.given is not None}
    rows = in_order([row for page in pages.values() for row in page.rows], descending=descending)
    last = rows[first - 1].position if 0 < first <= len(rows) else None
    ends = {city: page.rows[-1].position for city, page in pages.items() if page.has_next and page.rows}
    if last is None:
        return ends
    return {city: end for city, end in ends.items() if not is_before(last, end, descending=descending)}


def joined(begun: Outcome[CityPage], more: Outcome[CityPage]) -> Outcome[CityPage]:
    """What a city gave in two rounds; nothing if it failed in the second: its rows come on a later page."""
    report = replace(more.report, took_ms=begun.report.took_ms + more.report.took_ms)
    size = begun.bytes + more.bytes
    if begun.given is None or more.given is None:
        return Outcome(report, None, size)
    page = replace(begun.given, rows=[*begun.given.rows, *more.given.rows], has_next=more.given.has_next)
    return Outcome(report, page, size)
