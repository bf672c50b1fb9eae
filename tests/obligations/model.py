"""What is released under obligations, in plain Python: the rules of docs/obligations.md as somebody would read them out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from policy.obligations import Obligations

ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)
TRUST = ("CHECKED", "RAW", "ESTIMATED", "SUSPECT")


class Row(NamedTuple):
    """An observation."""

    start: datetime
    end: datetime | None
    result: float | None
    quality: str = "RAW"


@dataclass(frozen=True)
class Stream:
    """A datastream of a family: all of one thing and one observed property."""

    key: str
    rows: tuple[Row, ...]
    direction: str | None = None
    vehicle: str | None = None
    interval: int | None = 900
    is_count: bool = True


def floor(time: datetime, seconds: float) -> datetime:
    return ORIGIN + (time - ORIGIN) // timedelta(seconds=seconds) * timedelta(seconds=seconds)


def released(stream: Stream, family: Sequence[Stream], terms: Obligations, grid: int, now: datetime) -> list[Row]:
    """The rows of one datastream that leave."""
    length = max(terms.step_s, stream.interval or 0, 1)
    counted = family if terms.minimum_count and stream.is_count else [stream]
    step = max(grid, length, *(one.interval or 0 for one in counted))
    near = {
        floor(slot, step)
        for one in counted
        for slot, rows in _slots(one, length).items()
        if stream.is_count and _is_small(_result(rows, stream.is_count), terms)
    }
    found = []
    for slot, rows in sorted(_slots(stream, length).items()):
        result = _result(rows, stream.is_count)
        is_small = stream.is_count and _is_small(result, terms)
        is_shown = floor(slot, step) not in near or (
            is_total(stream, counted, family) and length == step and not is_small
        )
        keeps_its_time = stream.interval is not None and terms.step_s <= stream.interval
        if keeps_its_time or not terms.step_s:
            end = max((row.end for row in rows if row.end is not None), default=None)
        else:
            end = slot + timedelta(seconds=length)
        hides = terms.minimum_count > 0 and stream.is_count
        over = floor(slot, step) + timedelta(seconds=step) if hides else slot + timedelta(seconds=length)
        if is_shown and max(over, end or over) <= now - timedelta(seconds=terms.delay_s):
            if terms.rounding and result is not None:
                result = round(result / terms.rounding) * terms.rounding
            start = min(row.start for row in rows) if keeps_its_time else slot
            found.append(Row(start, end, result, _quality(rows)))
    return found


def is_total(stream: Stream, counted: Sequence[Stream], family: Sequence[Stream]) -> bool:
    """The one member without direction, of all classes or of the only class."""
    classes = {one.vehicle for one in family}
    whole = {None, "ALL"} | (classes if len(classes) == 1 else set())
    candidates = [one for one in counted if one.direction is None and one.vehicle in whole]
    return candidates == [stream]


def _slots(stream: Stream, length: float) -> dict[datetime, list[Row]]:
    found: dict[datetime, list[Row]] = defaultdict(list)
    for row in stream.rows:
        found[floor(row.start, length)].append(row)
    return found


def _result(rows: Iterable[Row], is_count: bool) -> float | None:
    results = [row.result for row in rows if row.result is not None]
    if not results:
        return None
    return sum(results) if is_count else sum(results) / len(results)


def _is_small(result: float | None, terms: Obligations) -> bool:
    return result is not None and 0 < result < terms.minimum_count


def _quality(rows: Iterable[Row]) -> str:
    found = [TRUST.index(row.quality) for row in rows if row.result is not None and row.quality in TRUST]
    return TRUST[max(found)] if found else "MISSING"
