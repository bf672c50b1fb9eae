"""Ask many owners for what can still matter, not for a whole page each. Pure.

Of a page of 50 over 400 cities hardly one has more than three rows, so each is first asked for a few. The page is right
if no city of which there are more rows might have one before the page's last row. Those that might are asked once more,
for the rest of a page: then they have given all that a page can hold, so there are two rounds at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from msgspec.structs import replace as changed

from federation.fanout import Outcome
from federation.rows import CityPage, OrderedRows, is_before
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
    pages = [outcome.given for outcome in outcomes.values() if outcome.given is not None]
    ends = {page.city: end for page in pages if page.has_next and (end := page.end) is not None}
    rows = OrderedRows(pages, descending=descending)
    if not 0 < first <= len(rows):
        return ends
    last = rows.position(first - 1)
    return {city: end for city, end in ends.items() if not is_before(last, end, descending=descending)}


def joined(begun: Outcome[CityPage], more: Outcome[CityPage]) -> Outcome[CityPage]:
    """What a city gave in two rounds; nothing if it failed in the second: its rows come on a later page."""
    report = changed(more.report, took_ms=begun.report.took_ms + more.report.took_ms)
    size = begun.bytes + more.bytes
    if begun.given is None or more.given is None:
        return Outcome(report, None, size)
    first = begun.report
    told = tuple(dict.fromkeys((*first.obligations, *report.obligations)))  # each of its own rows
    report = changed(report, as_of=first.as_of, obligations=told)
    if not first.is_complete:  # what it does not know of counts is asked in the first round only
        report = changed(report, state=first.state, reason=first.reason)
    page = replace(
        begun.given,
        sorts=[*begun.given.sorts, *more.given.sorts],
        keys=[*begun.given.keys, *more.given.keys],
        parts=[[*one, *other] for one, other in zip(begun.given.parts, more.given.parts, strict=True)],
        has_next=more.given.has_next,
    )
    return Outcome(report, page, size)
