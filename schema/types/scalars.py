"""Scalars: times always carry an offset, durations are ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NewType

import strawberry


def _serialize(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def parse_time(value: object) -> datetime:
    """A time in UTC. Raises ValueError, with the remedy."""
    remedy = "write ISO 8601 with an offset, e.g. 2026-01-31T00:00:00Z or 2026-01-31T00:00:00+01:00"
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a time: {remedy}")  # noqa: TRY004 - GraphQL turns ValueError into an input error
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a time: {remedy}") from None
    if parsed.tzinfo is None:
        raise ValueError(f"{value!r} has no offset: {remedy}")
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value!r} lies outside the years 1 to 9999 in UTC: choose a nearer time") from None


DateTime = NewType("DateTime", datetime)
DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A point in time, ISO 8601 with offset. Answers are in UTC, e.g. 2026-01-31T23:00:00+00:00.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time",
    serialize=_serialize,
    parse_value=parse_time,
)


def _parse_duration(value: object) -> str:
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError(f"{str(value)[:40]!r} is not a duration: write ISO 8601, e.g. PT15M, P1D, P1M or P1Y")
    return value


_DURATION = re.compile(
    r"P(?=[0-9]|T[0-9])([0-9]{1,4}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,4}D)?(T(?=[0-9])([0-9]{1,4}H)?([0-9]{1,4}M)?)?"
)

Duration = NewType("Duration", str)
DURATION = strawberry.scalar(
    name="Duration",
    description="A length of time, ISO 8601: PT15M, PT1H, P1D, P1W, P1M, P1Y. Days and longer are of the calendar.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#appendix-A",
    serialize=str,
    parse_value=_parse_duration,
)
