"""Aggregates by definition, one observation after the other: what the database's statements are compared with."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from node.store.statistics.buckets import EVERY
from schema.histogram import bin_of

KEYS = {"THING": "thing", "DATASTREAM": "key", "VEHICLE_CLASS": "vehicle_class", "DIRECTION": "direction"}


@dataclass(frozen=True)
class Stream:
    key: str
    thing: str
    property: str = "traffic-count"
    unit: str = "1"
    vehicle_class: str | None = None
    direction: str | None = None
    seconds: int | None = None


@dataclass(frozen=True)
class Seen:
    stream: str
    start: datetime
    end: datetime | None
    result: float | None
    quality: str = "RAW"

    @property
    def finish(self) -> datetime:
        return self.end or self.start


def counting(seen: list[Seen], longest: timedelta | None) -> list[Seen]:
    """Of one datastream: in order of their starts, those that do not overlap the last one that counted."""
    kept: list[Seen] = []
    for one in sorted(seen, key=lambda one: one.start):
        if one.result is None or not abs(one.result) <= 1e140:
            continue
        if longest is not None and one.finish - one.start > longest:
            continue
        if not kept or one.start >= kept[-1].finish:
            kept.append(one)
    return kept


def quantile(values: list[float], at: float) -> float | None:
    if not values:
        return None
    ordered, place = sorted(values), at * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def bucket(bounds, before, streams: list[Stream], kept: list[Seen]) -> dict:
    """One bucket. `before`: the bounds of the bucket before it in the same period."""
    start, end = bounds
    mine = [one for one in kept if start <= one.start < end]
    values = [one.result for one in mine]
    seconds = (end - start).total_seconds()
    covered = sum((min(one.finish, end) - one.start).total_seconds() for one in mine)
    if before is not None:
        into = [one for one in kept if before[0] <= one.start < before[1] and one.finish > start]
        covered += sum((min(one.finish, end) - start).total_seconds() for one in into)
    measured = bool(streams) and all(stream.seconds for stream in streams)
    expected = sum(round(seconds / stream.seconds) for stream in streams) if measured else None
    return {
        "start": start,
        "end": end,
        "count": len(values),
        "sum": sum(values) if values else None,
        "avg": sum(values) / len(values) if values else None,
        "min": min(values, default=None),
        "max": max(values, default=None),
        "stddev": statistics.stdev(values) if len(values) > 1 else None,
        "squaredDeviations": sum((value - statistics.fmean(values)) ** 2 for value in values) if values else None,
        "quantileError": 0,
        "histogram": histogram(values) if values else None,
        "median": quantile(values, 0.5),
        "p85": quantile(values, 0.85),
        "coverage": covered / seconds / len(streams) if measured else None,
        "expected": expected,
        "missing": None if expected is None else max(0, expected - len(values)),
    }


def histogram(values: list[float]) -> dict[str, list[int]]:
    counted = sorted(Counter(map(bin_of, values)).items())
    return {"bins": [number for number, _ in counted], "counts": [count for _, count in counted]}


def groups(streams: list[Stream], seen: list[Seen], every: str | None, group_by: list[str], periods) -> list[dict]:
    """`periods`: borders of the buckets of one or two periods; and of each bucket the number of its earlier one."""
    names = ["property", "unit", *(KEYS[name] for name in group_by)]
    found: dict[tuple, list[Stream]] = {}
    for stream in streams:
        found.setdefault(tuple(getattr(stream, name) for name in names), []).append(stream)
    order = sorted(found, key=lambda key: [(value is None, value or "") for value in key])
    return [_group(found[key], seen, every, *periods) for key in order]


def _group(streams: list[Stream], seen: list[Seen], every: str | None, borders, earlier, numbers) -> dict:
    longest = EVERY[every].longest if every else None
    members = [one for one in streams if longest is None or not one.seconds or one.seconds <= longest]

    def buckets(bounds: list) -> list[dict]:
        kept = [
            one
            for stream in members
            for one in counting(
                [one for one in seen if one.stream == stream.key and bounds[0] <= one.start < bounds[-1]],
                timedelta(seconds=longest) if longest else None,
            )
        ]
        whole = list(pairwise(bounds))
        return [bucket(here, before, members, kept) for before, here in zip([None, *whole], whole, strict=False)]

    then = buckets(earlier) if earlier and earlier[0] < earlier[-1] else []
    now = buckets(borders)
    for one, number in zip(now, numbers or [0] * len(now), strict=True):
        one["previous"] = then[number - 1] if number else None
    return {
        "members": len(members),
        "tooCoarse": sorted(one.key for one in set(streams) - set(members)),
        "unit": streams[0].unit,
        "property": streams[0].property,
        "thing": _common(one.thing for one in streams),
        "vehicleClass": _common(one.vehicle_class for one in streams),
        "direction": _common(one.direction for one in streams),
        "datastream": streams[0].key if len(streams) == 1 else None,
        "buckets": now,
    }


def _common(values) -> str | None:
    different = set(values)
    return different.pop() if len(different) == 1 else None


def differences(one, other, place: str = "") -> list[str]:
    """Where they differ; floats may do so a little."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [text for key in one for text in differences(one[key], other[key], f"{place}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            text for n, pair in enumerate(zip(one, other, strict=True)) for text in differences(*pair, f"{place}[{n}]")
        ]
    return [] if same(one, other) else [f"{place}: {one!r} is not {other!r}"]


def same(one, other) -> bool:
    """Equal, floats nearly."""
    if isinstance(one, float) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)
    return one == other


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
