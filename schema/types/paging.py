"""Relay paging and the federation report that every answer across cities carries."""

from __future__ import annotations

import strawberry

from schema.types.enums import CityState, LogState
from schema.types.scalars import DateTime

TOTAL = (
    "Number of all rows that the filter and the caller's rights leave, whatever the page, of the cities that answered:"
    " see `federation.complete`."
)


@strawberry.type(description="Relay page info.")
class PageInfo:
    """Forward paging only: cursors of merged lists have one direction."""

    has_next_page: bool = strawberry.field(
        description="More rows exist at the cities that answered. When `federation.complete` is false, asking again"
        " with `endCursor` also brings the rows of cities that were away."
    )
    has_previous_page: bool = strawberry.field(description="True if this page was asked for with `after`.")
    start_cursor: str | None
    end_cursor: str | None = strawberry.field(description="Pass it as `after` for the next page, at any node.")


NULL_IF_NEWER = "Null only if its city knows a value that this node does not: its state is PARTIAL then."
SORT_KEYS = (
    "The sort key of each row as text that compares by code points. Rows with equal ones stand by city and local key."
)
LOCAL_KEYS = "Local part of each row's id, of observations that of their datastreams."


@strawberry.type(description="What one city contributed.")
class CityReport:
    """A row of the federation report."""

    city: str = strawberry.field(description="City id, e.g. giessen.")
    state: CityState
    as_of: DateTime | None = strawberry.field(description="When the city read its data, UTC.")
    rows: int = strawberry.field(description="Rows of this city on this page.")
    late: int = strawberry.field(
        description="How many of these rows belong on an earlier page: the city was away when that was asked for."
    )
    took_ms: float = strawberry.field(description="Until the city's answer was here, in milliseconds.")
    policy_version: str | None = strawberry.field(description="Version of the rules under which the owner decided.")
    obligations: list[str] = strawberry.field(description="What the owner did to the data before it left.")
    reason: str | None = strawberry.field(description="Why, unless the state is OK.")
    log: LogState = strawberry.field(description="What the answering node knows of the city's access log.")


@strawberry.type(description="Who answered. A city is never dropped silently.")
class FederationReport:
    """The report of an answer."""

    complete: bool = strawberry.field(description="True if every city that could have a match answered in full.")
    cities: list[CityReport]
