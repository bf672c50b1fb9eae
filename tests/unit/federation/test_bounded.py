"""What is remembered of others has a bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from federation.bounded import Bounded


@given(st.lists(st.tuples(st.integers(0, 8), st.integers())), st.integers(1, 5))
def test_the_latest_are_kept_and_never_more(entries, size):
    kept, latest = Bounded[int, int](size), {}
    for key, value in entries:
        kept[key] = value
        latest.pop(key, None)
        latest[key] = value
        assert dict(kept) == dict(list(latest.items())[-size:])
