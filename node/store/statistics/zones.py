"""Local time: zones by name, and where a local time lies. Pure.

Where the clocks go back, a local time comes twice; where they go forward, some do not exist. A border of the calendar
(midnight, say) lies at the first instant at which the local clock shows it or a later time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from schema.errors import BadInput

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """The zone with this IANA name.

    Raises:
        BadInput: there is none; the hint names similar ones.
    """
    known = _known()
    if name not in known:
        similar = get_close_matches(name[:60], known, n=3, cutoff=0.5)
        hint = f"similar names are {', '.join(similar)}" if similar else "write e.g. Europe/Berlin or UTC"
        raise BadInput(f"timeZone: {name[:60]!r} is not a name of an IANA time zone", hint=hint)
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the local clock shows, without zone; `fold` is 1 in the second pass of an hour that comes twice."""
    return instant.astimezone(zone).replace(tzinfo=None)


def exists(local: datetime, zone: ZoneInfo) -> bool:
    """Whether the local clock ever shows this."""
    return wall(_at(local, zone), zone) == local


def reached(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) at which the local clock shows this or, where it is left out, a later time.

    With `fold` 1, of a time that comes twice, the second.
    """
    if exists(local, zone):
        return _at(local, zone)
    # the clocks go forward between these two
    before, after = _at(local.replace(fold=1), zone), _at(local.replace(fold=0), zone)
    while after - before > _SECOND:
        middle = before + ((after - before) // 2 // _SECOND) * _SECOND
        if wall(middle, zone) < local:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _at(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)
