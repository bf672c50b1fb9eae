"""The same period before: which earlier bucket is compared with which. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from node.store.statistics.buckets import Every, borders
from node.store.statistics.zones import exists, reached, wall
from schema.errors import BadInput

MAX_YEARS = 100
_FORM = re.compile(r"P(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,4})D)?")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Back:
    """How far back, by the calendar."""

    months: int
    days: int

    def before(self, local: datetime) -> datetime:
        """A local time so much earlier; a day that the month does not have is its last one."""
        year, month = divmod(local.year * 12 + local.month - 1 - self.months, 12)
        day = min(local.day, monthrange(year, month + 1)[1])
        found = local.replace(year=year, month=month + 1, day=day) - timedelta(days=self.days)
        return found.replace(fold=local.fold)

    def misses(self, local: datetime) -> bool:
        """Whether the earlier month does not have this day."""
        return (self.before(local) + timedelta(days=self.days)).day != local.day


@dataclass(frozen=True, slots=True)
class Earlier:
    """Borders of the earlier buckets (UTC), and for each bucket the number of its earlier one from 1; 0 for none."""

    borders: tuple[datetime, ...]
    numbers: tuple[int, ...]


def back_of(text: str, every: Every | None) -> Back:
    """The distance that an argument names.

    Raises:
        BadInput: it is none, or buckets of the earlier period would not lie on the calendar as these do.
    """
    found = _FORM.fullmatch(text)
    years, months, weeks, days = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    back = Back(12 * years + months, 7 * weeks + days)
    if back == Back(0, 0) or back.months > 12 * MAX_YEARS or back.days > 366 * MAX_YEARS:
        raise BadInput(
            f"compareWith: {text[:40]!r} is not a distance back",
            hint=f"write days, weeks, months or years, e.g. P7D, P52W or P1Y, at most {MAX_YEARS} years",
        )
    if every is not None and every.months and (back.days or back.months % every.months):
        raise BadInput(
            f"compareWith: {text} before a bucket of {every.text} no such bucket starts",
            hint=f"write whole multiples of {every.text}, e.g. P1Y",
        )
    if every is not None and every.text == "P1W" and (back.months or back.days % 7):
        raise BadInput(f"compareWith: {text} before a Monday there is no Monday", hint="write weeks, e.g. P52W")
    return back


def earlier(buckets: tuple[datetime, ...], every: Every | None, zone: ZoneInfo, back: Back) -> Earlier:
    """The earlier buckets of those with these borders.

    The period goes from `back` before its start to `back` before its end by the local clock, and a bucket is compared
    with the one that starts at the same local time. Up to a day that the earlier month does not have, the period goes
    to the end of that month.

    Raises:
        BadInput: that lies outside the calendar.
    """
    try:
        start, end = _period(wall(buckets[0], zone), wall(buckets[-1], zone), zone, back)
        found = borders(start, max(start, end), every, zone)
        numbers = {border: number for number, border in enumerate(found[:-1], 1)} if start < end else {}
        moments = [start, *(_moment(border, every, zone, back) for border in buckets[1:-1])]
        return Earlier(found, tuple(0 if at is None else numbers.get(at, 0) for at in moments))
    except (OverflowError, ValueError):
        raise BadInput("compareWith: that is outside the calendar", hint="choose a nearer time") from None


def _period(first: datetime, last: datetime, zone: ZoneInfo, back: Back) -> tuple[datetime, datetime]:
    start, end = reached(back.before(first), zone), reached(back.before(last), zone)
    if back.misses(last) and (last.time() == time() or not back.misses(first) or end <= start):
        midnight = back.before(last).replace(hour=0, minute=0, second=0, microsecond=0)
        return start, reached(midnight + _DAY, zone)
    return start, end


def _moment(border: datetime, every: Every | None, zone: ZoneInfo, back: Back) -> datetime | None:
    assert every is not None, "without a length there are no borders inside"
    local = wall(border, zone)
    if every.follows_utc:
        before = back.before(local)
        return reached(before, zone) if exists(before, zone) else None
    return reached(back.before(every.floor(local)), zone)
