"""Dates of a catalog. Without a zone they count as UTC, since RDF leaves the zone open and portals write UTC."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time

_YEAR = re.compile(r"([0-9]{4})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_GERMAN_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,12})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_ZONED_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})")
_LAST_SECOND = time(23, 59, 59)


def read_date(text: str, *, end: bool = False) -> datetime | None:
    """The moment in UTC that a date, month, year or time of day means; None if it can't be cast.

    A whole day, month or year means its first moment, or with `end` its last second.
    """
    text = text.strip()
    if zoned := _ZONED_DAY.fullmatch(text):
        text = zoned.group(1)  # xsd:date may carry a zone; it is still that day
    try:
        if _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text.replace(",", "."))
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        first, last = _days(text)
    except (ValueError, OverflowError):
        return None
    if end:
        return datetime.combine(last, _LAST_SECOND, UTC)
    return datetime.combine(first, time(), UTC)


def _days(text: str) -> tuple[date, date]:
    if found := _DAY.fullmatch(text):
        day = date(int(found[1]), int(found[2]), int(found[3]))
        return day, day
    if found := _GERMAN_DAY.fullmatch(text):
        day = date(int(found[3]), int(found[2]), int(found[1]))
        return day, day
    if found := _MONTH.fullmatch(text):
        year, month = int(found[1]), int(found[2])
        first = date(year, month, 1)
        return first, first.replace(day=calendar.monthrange(year, month)[1])
    if found := _YEAR.fullmatch(text):
        return date(int(found[1]), 1, 1), date(int(found[1]), 12, 31)
    raise ValueError(text)
