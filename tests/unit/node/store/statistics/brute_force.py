"""Buckets by definition: look at the clock on the wall step by step, and begin a new one whenever its label changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

HOURS = {f"PT{hours}H": hours for hours in (2, 3, 4, 6, 12)}
MINUTES = {"PT15M": 15, "PT30M": 30, "PT1H": 60}


def label(every, instant, shown):
    """What tells a bucket from its neighbours. `shown`: the latest that the local clock has shown so far."""
    if every in MINUTES:
        return int(instant.timestamp()) // (60 * MINUTES[every])
    if every in HOURS:
        return shown.date(), shown.hour // HOURS[every]
    return {
        "P1D": shown.date(),
        "P1W": shown.isocalendar()[:2],
        "P1M": (shown.year, shown.month),
        "P3M": (shown.year, (shown.month - 1) // 3),
        "P1Y": shown.year,
    }[every]


def brute_force(start, end, every, zone, step=timedelta(minutes=15)):
    """Borders of buckets; those inside lie on whole steps."""
    borders, instant, shown, last = [start], start.replace(hour=0, minute=0) - timedelta(days=2), None, None
    while instant < end:
        wall = instant.astimezone(zone).replace(tzinfo=None)
        shown = wall if shown is None else max(shown, wall)
        now = label(every, instant, shown)
        if last is not None and now != last and instant > start:
            borders.append(instant)
        last = now
        instant += step
    return tuple(one.astimezone(UTC) for one in (*borders, end))


def bucket_of(borders, instant: datetime):
    """The number of the bucket that an instant lies in, or None."""
    return next((number for number, (a, b) in enumerate(pairwise(borders)) if a <= instant < b), None)
