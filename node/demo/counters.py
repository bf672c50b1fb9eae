"""Synthetic counts: deterministic, with the rhythm of a city's traffic, and with the flaws of real counters.

A quarter-hour's count is the station's size, times a weekly profile in local time, times a season, times noise that is
a hash of series and slot. Nothing depends on the clock or on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from math import cos, exp, pi
from zlib import crc32
from zoneinfo import ZoneInfo

START = datetime(2025, 10, 25, tzinfo=UTC)  # a year and a week: the last week can be compared
END = datetime(2026, 11, 1, tzinfo=UTC)
SLOT = timedelta(minutes=15)
SLOTS_A_DAY = 96
SUNDAY = 6
ZONE = ZoneInfo("Europe/Berlin")
HOLIDAYS = frozenset(
    date.fromisoformat(day)
    for day in (
        "2025-12-25", "2025-12-26", "2026-01-01", "2026-04-03", "2026-04-06",
        "2026-05-01", "2026-05-14", "2026-05-25", "2026-06-04", "2026-10-03",
    )
)  # fmt: skip

BICYCLE = "BICYCLE"
CAR = "CAR"
INWARD = "stadteinwärts"
OUTWARD = "stadtauswärts"

_MASK = (1 << 64) - 1
_OUTAGE_SLOTS = 150
_SUSPECT_SLOTS = 40


@dataclass(frozen=True, slots=True)
class Slot:
    """A quarter of an hour: its bounds as COPY text, and where it lies in the week and in the year."""

    bounds: bytes
    weekday: int
    quarter: int
    season: int


def copy_rows(
    datastream_id: int, series: str, vehicle: str, direction: str, size: int, days: int | None
) -> Iterator[bytes]:
    """The rows of one series for COPY: datastream, start, end, result, quality; the last `days` of the year, or all."""
    slots = timetable()
    first = 0 if days is None else max(0, len(slots) - days * SLOTS_A_DAY)
    profile, seasons = _profile(vehicle, direction), _seasons(vehicle)
    seed = crc32(series.encode()) << 32
    outage = _hash(seed) % (len(slots) - _OUTAGE_SLOTS)
    suspect = _hash(seed + 1) % (len(slots) - _SUSPECT_SLOTS)
    head = b"%d\t" % datastream_id
    for index in range(first, len(slots)):
        slot = slots[index]
        if outage <= index < outage + _OUTAGE_SLOTS:
            yield head + slot.bounds + b"\t\\N\tMISSING\n"
            continue
        noise = 0.7 + 0.6 * (_hash(seed + index) & 0xFFFF) / 0xFFFF
        count = int(size * profile[slot.weekday][slot.quarter] * seasons[slot.season] * noise)
        quality = b"SUSPECT" if suspect <= index < suspect + _SUSPECT_SLOTS else b"RAW"
        yield head + slot.bounds + b"\t%d\t%b\n" % (count, quality)


@cache
def timetable() -> tuple[Slot, ...]:
    """All slots of the year. Holidays count as Sundays."""
    slots = []
    start = START
    while start < END:
        local = start.astimezone(ZONE)
        weekday = SUNDAY if local.date() in HOLIDAYS else local.weekday()
        bounds = f"{start.isoformat()}\t{(start + SLOT).isoformat()}".encode()
        quarter = local.hour * 4 + local.minute // 15
        slots.append(Slot(bounds, weekday, quarter, local.timetuple().tm_yday % 366))
        start += SLOT
    return tuple(slots)


@cache
def _profile(vehicle: str, direction: str) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(_weight(vehicle, direction, day, slot / 4) for slot in range(SLOTS_A_DAY)) for day in range(7))


def _weight(vehicle: str, direction: str, weekday: int, hour: float) -> float:
    """Share of the busiest quarter: commuters in the morning inward, in the evening outward; leisure at weekends."""
    base = 0.02 + 0.35 * _bell(hour, 13.5, 4.5)
    if weekday >= 5:
        leisure = 0.75 if vehicle == BICYCLE else 0.5
        return base + leisure * _bell(hour, 15, 3.2) * (0.9 if weekday == 5 else 1.0)
    morning, evening = (0.75, 0.4) if direction == INWARD else (0.35, 0.8)
    return base + morning * _bell(hour, 7.6, 0.9) + evening * _bell(hour, 16.9, 1.5)


def _bell(hour: float, centre: float, width: float) -> float:
    return exp(-(((hour - centre) / width) ** 2))


@cache
def _seasons(vehicle: str) -> tuple[float, ...]:
    swing = 0.45 if vehicle == BICYCLE else 0.06
    return tuple(1 - swing * cos(2 * pi * (day - 20) / 366) for day in range(366))


def _hash(value: int) -> int:
    """SplitMix64: a well-mixed number for each input."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
