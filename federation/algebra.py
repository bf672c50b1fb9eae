"""Statistics of several cities from parts that each computes of its own observations. Pure.

Parts form a commutative monoid: in whatever order and however grouped they are put together, the result is that of all
observations, but for rounding. Sums of squared deviations are combined as Chan, Golub and LeVeque (1979) do it, which
does not lose the digits that a plain sum of squares loses. Quantiles come from counts by bin (`schema.histogram`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from math import ceil, floor, sqrt

from schema.histogram import value_of


@dataclass(frozen=True, slots=True)
class Parts:
    """What is known of some observations. Of those without any all is None; a number that is None is not known.

    `squares`: sum of the squared deviations from the mean. `bins`: counts by bin, None if they are not known.
    """

    count: int = 0
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    squares: float | None = None
    bins: Mapping[int, int] | None = field(default_factory=dict)

    def __add__(self, other: Parts) -> Parts:
        """Of both together."""
        if not (self.count and other.count):
            return self if self.count else other
        return Parts(
            self.count + other.count,
            None if self.sum is None or other.sum is None else self.sum + other.sum,
            None if self.min is None or other.min is None else min(self.min, other.min),
            None if self.max is None or other.max is None else max(self.max, other.max),
            _squares(self, other),
            None if self.bins is None or other.bins is None else Counter(self.bins) + Counter(other.bins),
        )

    @property
    def avg(self) -> float | None:
        """Arithmetic mean."""
        return None if self.sum is None or not self.count else self.sum / self.count

    @property
    def stddev(self) -> float | None:
        """Standard deviation of a sample; None for fewer than two observations."""
        return None if self.squares is None or self.count < 2 else sqrt(self.squares / (self.count - 1))

    def quantile(self, at: float) -> float | None:
        """A quantile between 0 and 1, wrong by `ACCURACY` of its value at most; None without bins."""
        total = sum((self.bins or {}).values())
        if not total:
            return None
        rank = at * (total - 1)
        low, high = self._ranked(floor(rank)), self._ranked(ceil(rank))
        return low + (high - low) * (rank - floor(rank))

    def _ranked(self, rank: int) -> float:
        """The observation with this rank, counted from 0, as far as its bin tells it."""
        passed, bins = 0, self.bins or {}
        for number in sorted(bins):
            passed += bins[number]
            if rank < passed:
                return self._bounded(value_of(number))
        raise IndexError(rank)

    def _bounded(self, value: float) -> float:
        low = value if self.min is None else max(value, self.min)
        return low if self.max is None else min(low, self.max)


def together(parts: Iterable[Parts]) -> Parts:
    """Of all of them."""
    return reduce(Parts.__add__, parts, Parts())


def coverage_of(shares: Iterable[tuple[int, float | None]]) -> float | None:
    """Covered share of the time of all datastreams, from their number and the share of each city's.

    None if there is none, or one of them can't tell.
    """
    told = [(number, share) for number, share in shares if number]
    total = sum(number for number, _ in told)
    known = [number * share for number, share in told if share is not None]
    return sum(known) / total if total and len(known) == len(told) else None


def common(values: Iterator[str | None]) -> str | None:
    """The value that all have in common, or None."""
    first = next(values, None)
    return first if all(value == first for value in values) else None


def _squares(one: Parts, other: Parts) -> float | None:
    if one.squares is None or other.squares is None or one.sum is None or other.sum is None:
        return None
    apart = other.sum / other.count - one.sum / one.count
    return one.squares + other.squares + apart * apart * one.count * other.count / (one.count + other.count)
