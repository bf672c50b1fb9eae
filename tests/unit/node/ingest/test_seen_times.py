from hypothesis import given
from hypothesis import strategies as st

from node.ingest.counts.seen_times import SeenTimes


@given(st.lists(st.integers(0, 50).map("{:02}".format)))
def test_exactly_the_repeated_times_are_refused(times: list[str]) -> None:
    seen = SeenTimes()
    for position, time in enumerate(times):
        expected = "time.duplicate" if time in times[:position] else None
        assert seen.refuse(time) == expected


def test_a_long_file_in_order_needs_no_memory_but_must_stay_in_order() -> None:
    seen = SeenTimes(limit=3)
    assert [seen.refuse(time) for time in ("1", "2", "3", "4", "5")] == [None] * 5
    assert seen.refuse("5") == "time.duplicate"
    assert seen.refuse("2") == "time.unordered"
    assert seen.refuse("6") is None


def test_the_direction_of_a_file() -> None:
    rising, falling = SeenTimes(), SeenTimes()
    for time in ("1", "3", "2"):
        rising.refuse(time)
    for time in ("3", "2", "1"):
        falling.refuse(time)
    assert (rising.descending, falling.descending) == (False, True)
