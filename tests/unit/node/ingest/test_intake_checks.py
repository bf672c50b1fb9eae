"""Which observations can be stored: each is either accepted or refused with a reason, none disappears."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from node.ingest.intake.checks import REASONS, Checked, Datastream, check_series

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
QUARTER = Datastream(7, timedelta(minutes=15))
times = st.timedeltas(timedelta(days=-80_000), timedelta(days=80_000)).map(lambda away: NOW + away)
results = st.none() | st.floats()


@given(st.lists(st.tuples(times, results), max_size=20))
def test_every_observation_is_accepted_or_refused(rows):
    checked = Checked()
    check_series(checked, "giessen:datastream:a", QUARTER, [t for t, _ in rows], [r for _, r in rows], "RAW", NOW)
    assert checked.accepted + sum(flaw.count for flaw in checked.flawed) == len(rows)
    assert {flaw.reason for flaw in checked.flawed} <= REASONS.keys()
    for datastream, start, end, result, quality in checked.rows.values():
        assert (datastream, quality) == (7, "MISSING" if result is None else "RAW")
        assert datetime.fromisoformat(end) - datetime.fromisoformat(start) == timedelta(minutes=15)
        assert datetime(1900, 1, 1, tzinfo=UTC) <= datetime.fromisoformat(start) <= NOW + timedelta(hours=1)
        assert result is None or abs(result) <= 1e140


def test_of_two_at_the_same_time_the_last_one_counts():
    checked = Checked()
    berlin = datetime.fromisoformat("2026-06-01T12:00:00+02:00")
    check_series(checked, "a", QUARTER, [berlin, berlin.astimezone(UTC)], [1.0, 2.0], "RAW", NOW)
    ((_, start, _, result, _),) = checked.rows.values()
    assert (start, result, checked.accepted) == ("2026-06-01T10:00:00+00:00", 2.0, 2)


def test_a_series_that_can_t_be_understood_is_refused_as_a_whole():
    checked = Checked()
    check_series(checked, "a", None, [NOW, NOW], [1.0, 2.0], "RAW", NOW)
    check_series(checked, "b", QUARTER, [NOW, NOW], [1.0], "RAW", NOW)
    assert [(flaw.reason, flaw.count, flaw.time) for flaw in checked.flawed] == [
        ("datastream.unknown", 2, None),
        ("series.uneven", 2, None),
    ]
    assert not checked.rows


def test_what_would_break_every_sum_is_refused():
    """One result of 1e200 and nobody could ask for the deviation of anything; a count below 0 hides small ones."""
    checked = Checked()
    counting = Datastream(7, None, counts=True)
    results = [1e141, -1e141, math.inf, -1.0, 0.0, 4.0]
    hours = [NOW - timedelta(hours=n) for n in range(len(results))]
    check_series(checked, "a", counting, hours, results, "RAW", NOW)
    assert [flaw.reason for flaw in checked.flawed] == [
        "result.too-large", "result.too-large", "result.not-finite", "result.negative",
    ]  # fmt: skip
    check_series(checked, "b", Datastream(8, None), [NOW], [-12.5], "RAW", NOW)
    assert [row[3] for row in checked.rows.values()] == [0.0, 4.0, -12.5]
