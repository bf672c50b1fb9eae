"""Parts of any division of the observations make what all observations together make."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from statistics import stdev

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from federation.algebra import Parts, common, coverage_of, together
from schema.histogram import ACCURACY, BINS, LARGEST, SMALLEST, bin_of, value_of

magnitudes = st.floats(SMALLEST, 1e9)
results = st.just(0.0) | magnitudes | magnitudes.map(lambda value: -value) | st.integers(0, 5_000).map(float)
divided = st.lists(st.lists(results, max_size=6), max_size=5)


def parts_of(values: list[float]) -> Parts:
    """What a city tells, by the definitions."""
    if not values:
        return Parts()
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    return Parts(len(values), sum(values), min(values), max(values), squares, Counter(map(bin_of, values)))


def close(one: float | None, other: float | None, scale: float = 1.0) -> bool:
    if one is None or other is None:
        return one is other
    return one == pytest.approx(other, rel=1e-9, abs=1e-9 * scale)


def same(one: Parts, other: Parts) -> bool:
    scale = max((abs(number) for parts in (one, other) for number in (parts.min or 0, parts.max or 0)), default=1)
    exact = (one.count, one.min, one.max, dict(one.bins)) == (other.count, other.min, other.max, dict(other.bins))
    return exact and close(one.sum, other.sum, scale) and close(one.squares, other.squares, scale * scale)


def percentile_cont(values: list[float], at: float) -> float:
    ordered = sorted(values)
    rank = at * (len(ordered) - 1)
    low, high = ordered[int(rank)], ordered[min(int(rank) + 1, len(ordered) - 1)]
    return low + (high - low) * (rank - int(rank))


@given(divided)
def test_parts_of_a_division_are_the_parts_of_the_whole(values):
    whole = [value for one in values for value in one]
    merged = together(map(parts_of, values))
    assert same(merged, parts_of(whole))
    assert close(merged.avg, sum(whole) / len(whole) if whole else None, max(map(abs, whole), default=1))
    if len(whole) > 1:
        scale = max(map(abs, whole))
        assert close(merged.stddev, stdev(whole), scale or 1)
    else:
        assert merged.stddev is None


@given(*[st.lists(results, max_size=6).map(parts_of)] * 3)
def test_parts_are_a_commutative_monoid(one, other, third):
    assert same(one + other, other + one)
    assert same((one + other) + third, one + (other + third))
    assert one + Parts() == one == Parts() + one


@given(divided, st.floats(0, 1))
def test_quantiles_are_as_near_as_is_told(values, at):
    whole = [value for one in values for value in one]
    merged = together(map(parts_of, values))
    if not whole:
        assert merged.quantile(at) is None
        return
    told = merged.quantile(at)
    rank = at * (len(whole) - 1)
    neighbours = [abs(sorted(whole)[index]) for index in {int(rank), min(int(rank) + 1, len(whole) - 1)}]
    assert abs(told - percentile_cont(whole, at)) <= ACCURACY * max(neighbours) * (1 + 1e-9)
    assert min(whole) <= told <= max(whole)


@given(results)
def test_a_bin_tells_its_values(value):
    assert -BINS <= bin_of(value) <= BINS
    assert abs(value_of(bin_of(value)) - value) <= ACCURACY * abs(value) * (1 + 1e-9)


@given(st.lists(results, min_size=2, max_size=9))
def test_bins_stand_in_the_order_of_their_values(values):
    numbers = [bin_of(value) for value in sorted(values)]
    assert all(one <= other for one, other in pairwise(numbers))
    assert all(value_of(one) < value_of(other) for one, other in pairwise(sorted(set(numbers))))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_has_a_bin(value):
    assume(value == 0 or not SMALLEST <= abs(value) <= LARGEST)
    assert bin_of(value) in {-BINS, -1, 0, 1, BINS}


def test_a_gap_is_not_zero():
    assert together([Parts(), Parts()]) == Parts()
    zero = parts_of([0.0])
    assert (zero + Parts()).sum == 0
    assert together([]).sum is None


def test_what_one_city_can_not_tell_is_not_known():
    odd = Parts(1, None, 1.0, 1.0, None)
    merged = odd + parts_of([2.0])
    assert (merged.count, merged.sum, merged.avg, merged.stddev) == (2, None, None, None)
    assert (merged.min, merged.max) == (1.0, 2.0)


def test_coverage_weighs_by_datastreams():
    assert coverage_of([(1, 1.0), (3, 0.5)]) == 0.625
    assert coverage_of([(1, 1.0), (2, None)]) is None
    assert coverage_of([(1, 1.0), (0, None)]) == 1.0
    assert coverage_of([]) is None


def test_in_common():
    assert common(iter(["CAR", "CAR"])) == "CAR"
    assert common(iter(["CAR", None])) is None
    assert common(iter([None, "CAR"])) is None
    assert common(iter([])) is None
