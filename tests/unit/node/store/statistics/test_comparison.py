"""Which earlier bucket is compared with which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.store.statistics.buckets import EVERY, borders
from node.store.statistics.comparison import back_of, earlier
from schema.errors import BadInput

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def pairs(start: str, end: str, every: str | None, back: str, zone: ZoneInfo = BERLIN):
    """Each bucket's start with the bounds of its earlier one, in local time."""
    length = EVERY[every] if every else None
    buckets = borders(at(start), at(end), length, zone)
    found = earlier(buckets, length, zone, back_of(back, length))

    def local(instant):
        return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    return [
        (local(bucket), (local(found.borders[n - 1]), local(found.borders[n])) if n else None)
        for bucket, n in zip(buckets[:-1], found.numbers, strict=True)
    ]


def test_the_year_before():
    found = pairs("2026-01-01T00:00+01:00", "2027-01-01T00:00+01:00", "P1M", "P1Y")
    assert found[0] == ("2026-01-01 00:00", ("2025-01-01 00:00", "2025-02-01 00:00"))
    assert found[11] == ("2026-12-01 00:00", ("2025-12-01 00:00", "2026-01-01 00:00"))


def test_29_february_is_compared_with_28_february():
    found = pairs("2024-02-28T00:00+01:00", "2024-03-02T00:00+01:00", "P1D", "P1Y")
    assert found == [
        ("2024-02-28 00:00", ("2023-02-28 00:00", "2023-03-01 00:00")),
        ("2024-02-29 00:00", ("2023-02-28 00:00", "2023-03-01 00:00")),
        ("2024-03-01 00:00", ("2023-03-01 00:00", "2023-03-02 00:00")),
    ]


@pytest.mark.parametrize("every", [None, "P1D", "PT6H", "PT1H"])
def test_a_period_that_ends_before_29_february_has_an_earlier_one(every):
    found = pairs("2024-02-28T00:00+01:00", "2024-02-29T00:00+01:00", every, "P1Y")
    assert found[0][1][0] == "2023-02-28 00:00"
    assert found[-1][1][1] == "2023-03-01 00:00"


def test_local_hours_stay_over_a_change_of_clocks():
    found = pairs("2026-03-30T08:00+02:00", "2026-03-30T10:00+02:00", "PT1H", "P7D")
    assert found[0] == ("2026-03-30 08:00", ("2026-03-23 08:00", "2026-03-23 09:00"))


def test_an_hour_that_was_left_out_has_no_earlier_one():
    found = dict(pairs("2026-03-30T00:00+02:00", "2026-03-30T05:00+02:00", "PT1H", "P1D"))
    assert found["2026-03-30 02:00"] is None
    assert found["2026-03-30 03:00"] == ("2026-03-29 03:00", "2026-03-29 04:00")


def test_of_an_hour_that_came_twice_before_the_first_is_taken():
    buckets = borders(at("2026-10-26T02:00+01:00"), at("2026-10-26T03:00+01:00"), EVERY["PT1H"], BERLIN)
    found = earlier(buckets, EVERY["PT1H"], BERLIN, back_of("P1D", EVERY["PT1H"]))
    assert found.borders[found.numbers[0] - 1] == at("2026-10-25T02:00+02:00")


def test_each_pass_of_an_hour_is_compared_with_its_own():
    start, end = at("2026-10-25T02:00+02:00"), at("2026-10-25T03:00+01:00")  # the last Sundays of October
    found = earlier(borders(start, end, EVERY["PT1H"], BERLIN), EVERY["PT1H"], BERLIN, back_of("P52W", EVERY["PT1H"]))
    assert found.borders == (at("2025-10-26T02:00+02:00"), at("2025-10-26T02:00+01:00"), at("2025-10-26T03:00+01:00"))
    assert found.numbers == (1, 2)


def test_cut_buckets_are_compared_with_what_is_cut_alike():
    found = pairs("2026-05-04T10:00+02:00", "2026-05-06T18:00+02:00", "P1D", "P1W")
    assert found == [
        ("2026-05-04 10:00", ("2026-04-27 10:00", "2026-04-28 00:00")),
        ("2026-05-05 00:00", ("2026-04-28 00:00", "2026-04-29 00:00")),
        ("2026-05-06 00:00", ("2026-04-29 00:00", "2026-04-29 18:00")),
    ]


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2026-03-28T07:00+01:00", "2026-03-29T00:30+01:00", "2026-02-28 07:00", None),
        ("2026-03-28T07:00+01:00", "2026-03-28T08:00+01:00", "2026-02-28 07:00", "2026-02-28 07:30"),
        ("2026-03-30T07:00+02:00", "2026-03-30T08:00+02:00", "2026-02-28 07:00", "2026-02-28 07:30"),
        ("2026-03-30T23:30+02:00", "2026-03-31T00:30+02:00", "2026-02-28 23:30", None),
    ],
)
def test_around_days_that_the_month_before_does_not_have(start, end, first, last):
    found = pairs(start, end, "PT30M", "P1M")
    assert found[0][1][0] == first
    assert (found[-1][1] and found[-1][1][0]) == last


@pytest.mark.parametrize(
    ("every", "back"),
    [
        ("P1W", "P1Y"),
        ("P1W", "P8D"),
        ("P1M", "P30D"),
        ("P3M", "P1M"),
        ("P1Y", "P6M"),
        ("P1D", "PT1H"),
        ("P1D", "P0D"),
        ("P1D", "P101Y"),
        (None, "P40000D"),
        (None, ""),
    ],
)
def test_what_can_not_be_compared_is_told(every, back):
    with pytest.raises(BadInput, match="compareWith") as caught:
        back_of(back, EVERY[every] if every else None)
    assert caught.value.hint


def test_the_beginning_of_the_calendar_is_told():
    buckets = (at("0050-01-01T00:00Z"), at("0051-01-01T00:00Z"))
    with pytest.raises(BadInput, match="compareWith"):
        earlier(buckets, None, BERLIN, back_of("P60Y", None))


@settings(deadline=None, max_examples=200)
@given(
    start=st.integers(0, 60 * 24 * 365 * 40).map(lambda n: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=n)),
    hours=st.integers(1, 24 * 70),
    zone=st.sampled_from(["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
    case=st.sampled_from(
        [
            ("PT1H", "P1D"),
            ("PT2H", "P7D"),
            ("P1D", "P1Y"),
            ("P1D", "P1M"),
            ("P1W", "P52W"),
            ("P1M", "P1Y"),
            (None, "P1Y"),
        ]
    ),
)
def test_earlier_buckets_lie_in_order_and_start_at_the_same_local_time(start, hours, zone, case):
    every, where = EVERY[case[0]] if case[0] else None, ZoneInfo(zone)
    buckets = borders(start, start + timedelta(hours=hours), every, where)
    back = back_of(case[1], every)
    found = earlier(buckets, every, where, back)
    assert all(a < b for a, b in pairwise(found.borders)) or found.borders[0] == found.borders[-1]
    assert len(found.numbers) == len(buckets) - 1
    assert [n for n in found.numbers if n] == sorted(n for n in found.numbers if n)
    for bucket, number in list(zip(buckets, found.numbers, strict=False))[1:]:
        now = bucket.astimezone(where)
        if number and now.day <= 28 and zone == "UTC":
            then = found.borders[number - 1].astimezone(where)
            assert then.time() == now.time()
            assert then.replace(tzinfo=None) == back.before(now.replace(tzinfo=None))
