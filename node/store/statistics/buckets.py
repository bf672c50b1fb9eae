"""Buckets of the calendar: where they begin and end. Pure.

Up to an hour they follow UTC, so the hour that comes twice is two buckets and the one that is left out is none. From
two hours on they follow the local clock from midnight, so a day has 23 or 25 hours when the clocks change. Weeks start
on Monday (ISO 8601).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from node.store.statistics.zones import reached, wall
from schema.errors import BadInput, TooCostly

MAX_BUCKETS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Every:
    """A length of buckets: so many months, or so many seconds (of UTC if `follows_utc`, else of the local clock).

    `longest` is what the longest of them has in seconds, apart from changes of the clocks.
    """

    text: str
    longest: int
    months: int = 0
    follows_utc: bool = False

    def floor(self, local: datetime) -> datetime:
        """The start of the bucket that a local time lies in, by the local clock."""
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if self.months:
            month = midnight.month - 1
            return midnight.replace(month=month - month % self.months + 1, day=1)
        if self.longest >= _DAY:
            days = self.longest // _DAY
            return midnight - timedelta(days=midnight.weekday() % days)
        return midnight + timedelta(seconds=(local - midnight).seconds // self.longest * self.longest)

    def after(self, local: datetime) -> datetime:
        """The start of the bucket after the one that starts here, by the local clock."""
        if self.months:
            year, month = divmod(local.month - 1 + self.months, 12)
            return local.replace(year=local.year + year, month=month + 1)
        return local + timedelta(seconds=self.longest)


def _minutes(text: str, minutes: int) -> Every:
    return Every(text, minutes * 60, follows_utc=minutes <= 60)


EVERY: Mapping[str, Every] = {
    one.text: one
    for one in (
        _minutes("PT15M", 15),
        _minutes("PT30M", 30),
        *(_minutes(f"PT{hours}H", hours * 60) for hours in (1, 2, 3, 4, 6, 12)),
        Every("P1D", _DAY),
        Every("P1W", 7 * _DAY),
        Every("P1M", 31 * _DAY, months=1),
        Every("P3M", 92 * _DAY, months=3),
        Every("P1Y", 366 * _DAY, months=12),
    )
}


def every_of(text: str) -> Every:
    """The length of buckets that an argument names.

    Raises:
        BadInput: there are no such buckets.
    """
    if text not in EVERY:
        raise BadInput(f"every: there are no buckets of {text[:40]!r}", hint=f"choose from {', '.join(EVERY)}")
    return EVERY[text]


def borders(start: datetime, end: datetime, every: Every | None, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Where buckets begin and end (UTC), in order: the n-th one goes from the n-th border to the next.

    The first and the last bucket are cut to `start` and `end`; without `every` there is one.

    Raises:
        BadInput: the calendar does not reach so far.
        TooCostly: there are more than MAX_BUCKETS.
    """
    if every is None:
        return (start, end)
    _check_number((end - start).total_seconds() / every.longest)
    try:
        inner = list(islice(_inner(start, end, every, zone), MAX_BUCKETS))
    except (OverflowError, ValueError):
        raise BadInput(
            f"during: {every.text} around {start.year} to {end.year} lies outside the calendar",
            hint="choose times within the years 2 to 9998",
        ) from None
    _check_number(len(inner) + 1)
    return (start, *inner, end)


def _check_number(buckets: float) -> None:
    if buckets > MAX_BUCKETS:
        raise TooCostly(
            f"every: `during` has about {buckets:.0f} such buckets; the limit is {MAX_BUCKETS}",
            hint="choose a longer `every` or a shorter `during`",
        )


def _inner(start: datetime, end: datetime, every: Every, zone: ZoneInfo) -> Iterator[datetime]:
    last = start
    for border in _raster(start, every, zone):
        if border >= end:
            return
        if border > last:  # a day that is left out ends where it starts
            yield border
            last = border


def _raster(start: datetime, every: Every, zone: ZoneInfo) -> Iterator[datetime]:
    """Borders from one at or before `start` on."""
    if every.follows_utc:
        step = timedelta(seconds=every.longest)
        border = start - (start - _EPOCH) % step
        while True:
            yield border
            border += step
    local = every.floor(wall(start, zone))
    while True:
        yield reached(local, zone)
        local = every.after(local)
