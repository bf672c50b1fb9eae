"""One bucket of a group that several cities have in common: its parts are checked, and put together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from federation.algebra import Parts, coverage_of, together
from federation.errors import PeerIncompatible
from schema.histogram import ACCURACY, BINS
from schema.selection import TYPENAME, Field

MAX_INT = 2**31 - 1  # of GraphQL's Int
PARTS: Mapping[str, tuple[str, ...]] = {  # what each statistic follows from
    "sum": ("sum",),
    "avg": ("sum",),
    "min": ("min",),
    "max": ("max",),
    "stddev": ("sum", "squaredDeviations"),
    "squaredDeviations": ("sum", "squaredDeviations"),
    "quantile": ("min", "max", "histogram"),
    "histogram": ("histogram",),
    "coverage": ("coverage",),
    "expected": ("expected",),
    "missing": ("expected",),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A bucket's times; `previous` are those of the bucket that it is compared with."""

    start: datetime
    end: datetime
    previous: Slot | None = None


class Histogram(msgspec.Struct):
    """Counts by bin, as two columns."""

    bins: list[int]
    counts: list[int]


def check_bucket(bucket: Any, slot: Slot) -> None:
    """Check the parts that a city sent of a bucket. Raises PeerIncompatible."""
    if bucket.start != slot.start:
        raise PeerIncompatible("its buckets begin at other times")
    if bucket.min is not None and bucket.max is not None and bucket.min > bucket.max:
        raise PeerIncompatible("the minimum of a bucket is above its maximum")
    if bucket.squaredDeviations is not None and bucket.squaredDeviations < 0:
        raise PeerIncompatible("the squared deviations of a bucket are negative")
    if bucket.histogram is not None:
        bins, counts = bucket.histogram.bins, bucket.histogram.counts
        fits = len(bins) == len(counts) and all(abs(number) <= BINS for number in bins)
        if not fits or len({*bins}) < len(bins) or min(counts, default=1) < 1 or sum(counts) != bucket.count:
            raise PeerIncompatible("the histogram of a bucket does not belong to its count")


class MergedBucket:
    """A bucket of all cities that have a share in its group: how many datastreams that is, and the bucket's parts.

    `quantiles`: where a city's own quantile stands in its parts, by the identity of the caller's field.
    """

    def __init__(self, slot: Slot, shares: Sequence[tuple[int, Any]], quantiles: Mapping[int, str]) -> None:
        self.slot = slot
        self._shares = shares
        self._quantiles = quantiles
        self._observed = [bucket for _, bucket in shares if bucket.count]

    def selected(self, selection: Field) -> dict[str, Any]:
        """What a selection wants of it, by response key, as orjson takes it."""
        return {child.key: self._value(child, selection) for child in selection.children}

    @cached_property
    def total(self) -> Parts:
        """The parts of all together."""
        return together(_parts(bucket) for bucket in self._observed)

    @property
    def quantile_error(self) -> float:
        """See `AggregateBucket.quantileError`."""
        return ACCURACY if len(self._observed) > 1 else 0.0

    @property
    def coverage(self) -> float | None:
        """See `AggregateBucket.coverage`."""
        return coverage_of((number, bucket.coverage) for number, bucket in self._shares)

    @property
    def expected(self) -> int | None:
        """Of all cities; None if one of them can't tell."""
        told = [bucket.expected for _, bucket in self._shares]
        return sum(told) if told and None not in told else None

    @property
    def missing(self) -> int | None:
        """How many of the expected observations did not count."""
        expected = self.expected
        return None if expected is None else max(expected - self.total.count, 0)

    def _value(self, child: Field, selection: Field) -> Any:
        if child.name == "quantile":
            return self._quantile(child)
        if child.name == "histogram":
            return _histogram(child, self.total)
        if child.name == "previous":
            return self._previous(child)
        return selection.type_name if child.name == TYPENAME else _VALUES[child.name](self)

    def _quantile(self, child: Field) -> float | None:
        if len(self._observed) == 1:
            exact: float | None = getattr(self._observed[0], self._quantiles[id(child)])
            return exact
        return self.total.quantile(child.arguments["at"])

    def _previous(self, child: Field) -> dict[str, Any] | None:
        if self.slot.previous is None:
            return None
        shares = [(number, bucket.previous) for number, bucket in self._shares]
        return MergedBucket(self.slot.previous, shares, self._quantiles).selected(child)


_VALUES: Mapping[str, Callable[[MergedBucket], Any]] = {
    "start": lambda bucket: bucket.slot.start,
    "end": lambda bucket: bucket.slot.end,
    "count": lambda bucket: _int(bucket.total.count),
    "sum": lambda bucket: bucket.total.sum,
    "avg": lambda bucket: bucket.total.avg,
    "min": lambda bucket: bucket.total.min,
    "max": lambda bucket: bucket.total.max,
    "stddev": lambda bucket: bucket.total.stddev,
    "squaredDeviations": lambda bucket: bucket.total.squares,
    "quantileError": lambda bucket: bucket.quantile_error,
    "coverage": lambda bucket: bucket.coverage,
    "expected": lambda bucket: _int(bucket.expected),
    "missing": lambda bucket: _int(bucket.missing),
}


def _int(number: int | None) -> int | None:
    return None if number is None else min(number, MAX_INT)


def _parts(bucket: Any) -> Parts:
    histogram = bucket.histogram
    bins = dict(zip(histogram.bins, histogram.counts, strict=True)) if histogram is not None else None
    return Parts(bucket.count, bucket.sum, bucket.min, bucket.max, bucket.squaredDeviations, bins)


def _histogram(selected: Field, total: Parts) -> dict[str, Any] | None:
    if not total.count or total.bins is None:
        return None
    numbers = sorted(total.bins)
    columns = {"bins": numbers, "counts": [min(total.bins[number], MAX_INT) for number in numbers]}
    return {child.key: columns.get(child.name, selected.type_name) for child in selected.children}
