"""Which observations of a series can be stored, and why not the others. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

AHEAD = timedelta(hours=1)
LARGEST = 1e140  # squares of it, and sums of those, are still numbers: see `node.store.statistics.cells`
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
REASONS = {
    "datastream.unknown": "this city has no such datastream: take ids from the field `id`, or import the station first",
    "message.topic": "its topic does not name a datastream: publish to v1.1/Datastreams(KEY)/Observations",
    "message.unreadable": 'it is not like {"phenomenonTime": "2026-01-31T10:00:00Z", "result": 1}: correct it',
    "series.uneven": "times and results differ in number: send a result, or null, for each time",
    "time.future": "it lies more than an hour ahead: set the sensor's clock",
    "time.past": "it lies before 1900: set the sensor's clock",
    "result.not-finite": "it is no number: send null where there is no value",
    "result.too-large": "it is beyond 1e140, and its square has no number: send null where there is no value",
    "result.negative": "nothing can be counted less than 0 times: send null where there is no value",
}


@dataclass(frozen=True, slots=True)
class Datastream:
    """What is known of a datastream: its surrogate id, how long an observation lasts, and whether it counts."""

    id: int
    interval: timedelta | None
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Flawed:
    """One observation that can't be stored, or (`time` None) a whole series of `count`."""

    datastream: str
    time: datetime | None
    value: str
    reason: str
    count: int = 1

    @property
    def message(self) -> str:
        """What is wrong, and what to do."""
        return REASONS[self.reason]


Row = tuple[int, str, str | None, float | None, str]
"""Datastream id, start and end in ISO 8601 (UTC), result, quality."""


@dataclass(slots=True)
class Checked:
    """What can be stored, keyed by datastream and time (the last one counts), and what can't."""

    rows: dict[tuple[int, str], Row] = field(default_factory=dict)
    flawed: list[Flawed] = field(default_factory=list)
    accepted: int = 0


def check_series(
    into: Checked,
    key: str,
    datastream: Datastream | None,
    times: Sequence[datetime],
    results: Sequence[float | None],
    quality: str,
    now: datetime,
) -> None:
    """Add a series to what is to be stored. `times` carry an offset."""
    if datastream is None:
        into.flawed.append(Flawed(key, None, key, "datastream.unknown", len(times)))
        return
    if len(times) != len(results):
        into.flawed.append(Flawed(key, None, f"{len(times)}, {len(results)}", "series.uneven", len(times)))
        return
    latest = now + AHEAD
    for time, result in zip(times, results, strict=True):
        if time > latest or time < EARLIEST:
            reason = "time.future" if time > latest else "time.past"
            into.flawed.append(Flawed(key, time, time.isoformat(), reason))
        elif result is not None and (wrong := _wrong(result, datastream)):
            into.flawed.append(Flawed(key, time, str(result), wrong))
        else:
            start = time.astimezone(UTC).isoformat()
            end = (time + datastream.interval).astimezone(UTC).isoformat() if datastream.interval else None
            into.rows[datastream.id, start] = (
                datastream.id,
                start,
                end,
                result,
                "MISSING" if result is None else quality,
            )
            into.accepted += 1


def _wrong(result: float, datastream: Datastream) -> str | None:
    if not math.isfinite(result):
        return "result.not-finite"
    if abs(result) > LARGEST:
        return "result.too-large"
    return "result.negative" if datastream.counts and result < 0 else None
