"""How much a series or an aggregate may bring. They have no `first`: what counts is how long, how fine, of how many.

What lies in the data can't be known from a document, so observations are taken to come every quarter of an hour, as
traffic counts do, and a filter that names no datastreams to leave twenty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from schema.selection import Argument
from schema.weights import BATCH

DIVIDES = frozenset({"CITY", "THING", "DATASTREAM"})  # of `groupBy`: what keeps cities apart
DAY = 86_400
USUAL_INTERVAL = 900
USUAL_DATASTREAMS = 20
MOST_TOO_COARSE = 100  # datastreams that a group names as too coarse
LONGEST_SERIES = 100_000  # values of one answer without `every`; what goes beyond is cut off and told
_DURATION = re.compile(
    r"P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?)?"
)
_SECONDS = (365 * DAY, 30 * DAY, 7 * DAY, DAY, 3_600, 60)

Arguments = Mapping[str, Argument]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Elements of the answer, lengths of its lists by schema coordinate, observations that are read for it.

    `merged`: buckets that are put together if several cities are asked.
    """

    rows: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)
    read: int = 0
    merged: int = 0


NOTHING = Estimate()


def estimate_of(name: str, arguments: Arguments) -> Estimate:
    """The estimate of a root field; nothing for one whose size is told by `first`."""
    estimate = _ESTIMATES.get(name)
    return NOTHING if estimate is None else estimate(arguments)


def _series(arguments: Arguments) -> Estimate:
    count = len(arguments["datastreams"])
    seconds = _length(arguments["during"])
    every = arguments.get("every")
    usual = ceil(seconds / USUAL_INTERVAL)
    points = _steps(seconds, every) if every else min(usual, LONGEST_SERIES // max(1, count))
    read = count * (usual if every else points)
    columns = dict.fromkeys((f"Series.{name}" for name in ("times", "ends", "values", "qualities")), points)
    return Estimate(count * points, {"SeriesResult.series": count, **columns}, read)


def _aggregate(arguments: Arguments) -> Estimate:
    named = (arguments.get("filter") or {}).get("datastreams")
    count = len(named) if named is not None else USUAL_DATASTREAMS
    seconds = _length(arguments["during"])
    periods = 2 if arguments.get("compareWith") else 1
    groups = count if arguments.get("groupBy") else 1
    every = arguments.get("every")
    buckets = _steps(seconds, every) if every else 1
    coarse = MOST_TOO_COARSE if named is None else min(MOST_TOO_COARSE, ceil(count / max(1, groups)))
    coarse *= every is not None  # without, nothing is
    sizes = {"AggregateResult.groups": groups, "AggregateGroup.buckets": buckets, "AggregateGroup.tooCoarse": coarse}
    common = DIVIDES.isdisjoint(arguments.get("groupBy") or ())
    merged = periods * groups * buckets if common else 0
    return Estimate(groups * buckets, sizes, periods * count * ceil(seconds / USUAL_INTERVAL), merged)


def _length(during: Mapping[str, str]) -> float:
    start, end = (datetime.fromisoformat(during[name]) for name in ("start", "end"))
    return max(0.0, (end - start).total_seconds())


def _steps(seconds: float, every: str) -> int:
    """How many steps lie in so many seconds, those at the ends counted whole."""
    return ceil(seconds / max(60, _duration(every))) + 1


def _duration(text: str) -> int:
    """About how many seconds an ISO 8601 duration has; 0 for what is none, which its own check will tell."""
    found = _DURATION.fullmatch(text)
    return sum(int(part or 0) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True)) if found else 0


def _batch(_arguments: Arguments) -> Estimate:
    return Estimate(BATCH)


_ESTIMATES: Mapping[str, Callable[[Arguments], Estimate]] = {
    "series": _series,
    "aggregate": _aggregate,
    "newObservations": _batch,
}
