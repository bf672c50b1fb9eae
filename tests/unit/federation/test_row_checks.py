"""What a peer says of where its rows stand is checked in one go, as it would be row by row."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.row_checks import are_local_keys, are_sort_keys, ascends
from federation.rows import CityPage, is_before
from schema.cursor import Position

GOOD = "2026-03-01 12:00:00+00"


def page(rows: list[tuple[str, str]]) -> CityPage:
    return CityPage("fulda", [sort for sort, _ in rows], [key for _, key in rows], [], has_next=False)


def text(time: datetime) -> str:
    """As PostgreSQL writes it."""
    fraction = f".{time.microsecond:06}".rstrip("0") if time.microsecond else ""
    return f"{time.replace(microsecond=0, tzinfo=None)}{fraction}+00"


_times = st.datetimes(timezones=st.just(UTC)) | st.builds(
    lambda micro: datetime(2026, 3, 1, 12, tzinfo=UTC).replace(microsecond=micro), st.integers(0, 999_999)
)


@given(_times, _times)
def test_the_text_of_times_sorts_as_the_times_do(one, other):
    assert (text(one) < text(other)) == (one < other)


@given(st.lists(_times, max_size=5))
def test_times_are_sort_keys(times):
    assert are_sort_keys([text(time) for time in times], "TIME")


@pytest.mark.parametrize(
    "bad",
    [
        ["2026-03-01 12:00:00+0", "02026-03-01 12:00:00+00"],
        [GOOD, "2026-03-01T12:00:00+00"],
        [GOOD, "2026-03-01 12:00:00+01"],
        [GOOD, "2026-03-01 12:00:00.+00"],
        [GOOD, "2026-03-01 12:00:00.1234567+00"],
        [GOOD, "2026-03-01 12:00:0\u0663+00"],
        [GOOD, "2026-02-29 12:00:00+00"],
        [GOOD, "2026-03-01 12:60:00.5+00"],
        ["0000-03-01 12:00:00+00"],
        ["2026-03-01 12:00:00.50+00"],
        [""],
    ],
)
def test_what_is_no_time_is_noticed_among_others(bad):
    assert not are_sort_keys(bad, "TIME")


def test_keys_are_bounded():
    assert are_local_keys(["a", "b" * 200])
    assert not are_local_keys(["a", "b" * 201])
    assert not are_local_keys(["a\x00"])


_marks = st.tuples(st.text("ab", max_size=2), st.text("xy", max_size=2))


@given(st.lists(_marks, max_size=5), st.none() | _marks, st.booleans())
def test_the_order_is_checked_as_row_by_row(rows, start, descending):
    marks = [Position(sort, "fulda", key) for sort, key in ([start] if start else []) + rows]
    truly = all(is_before(one, other, descending=descending) for one, other in pairwise(marks))
    assert ascends(page(rows), marks[0] if start else None, descending=descending) == truly
