"""Percentiles and medians."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.read.figures import Figures, percentile, summary

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=300).map(sorted)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.505, 51), (0.99, 99), (1.0, 100)])
def test_the_rank_is_the_nearest_one_above(share, expected):
    assert percentile(range(1, 101), share) == expected


def test_of_nothing_it_is_zero():
    assert percentile([], 0.5) == 0


@given(VALUES, st.floats(0.01, 1))
def test_it_is_the_smallest_value_that_so_many_do_not_exceed(ordered, share):
    found = percentile(ordered, share)
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
    assert sum(value < found for value in ordered) < share * len(ordered) + 1e-9


def test_rounds_become_medians_and_the_highest_memory():
    rounds = [Figures(100, 1.0, 9.0, 50, 1.0, 5.0), Figures(300, 3.0, 7.0, 80, 3.0, 4.0), Figures(200, 2.0, 8.0, 60)]
    assert summary(rounds) == Figures(200, 2.0, 8.0, 80, 1.0, 4.0)
