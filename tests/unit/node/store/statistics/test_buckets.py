"""Buckets of the calendar, against the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.store.statistics.buckets import EVERY, MAX_BUCKETS, borders, every_of
from schema.errors import BadInput, TooCostly
from tests.unit.node.store.statistics.brute_force import brute_force

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",  # a quarter of an hour off
    "Australia/Lord_Howe",  # the clocks change by half an hour
    "America/Havana",  # midnight comes twice, or not at all
    "America/Sao_Paulo",
    "America/Asuncion",
    "Asia/Beirut",
    "Africa/Cairo",
    "Pacific/Apia",  # left a day out
    "Pacific/Kiritimati",
    "Antarctica/Troll",  # the clocks change by two hours
    "Africa/Casablanca",  # goes back for Ramadan
]
SHORT = ["PT15M", "PT30M", "PT1H", "PT2H", "PT3H", "PT4H", "PT6H", "PT12H", "P1D"]
LONG = ["P1D", "P1W", "P1M", "P3M", "P1Y"]
QUARTERS = st.integers(0, 4 * 24 * 365 * 42).map(lambda n: datetime(1984, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * n))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def near_changes(zone: ZoneInfo):
    """Times at which the clocks of a zone change."""
    days = [datetime(1984, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(365 * 42)]
    return [a for a, b in pairwise(days) if a.astimezone(zone).utcoffset() != b.astimezone(zone).utcoffset()]


CHANGES = {name: near_changes(ZoneInfo(name)) for name in ZONES}


def moments(zone: str):
    changes = CHANGES[zone]
    near = st.tuples(st.sampled_from(changes or [datetime(2000, 1, 1, tzinfo=UTC)]), st.integers(-200, 200))
    return near.map(lambda found: found[0] + timedelta(minutes=15 * found[1])) | QUARTERS


@settings(deadline=None, max_examples=150)
@given(zone=st.sampled_from(ZONES), every=st.sampled_from(SHORT), steps=st.integers(1, 500), data=st.data())
def test_short_buckets_are_those_of_the_wall_clock(zone, every, steps, data):
    start = data.draw(moments(zone))
    end = start + timedelta(minutes=15 * steps)
    found = borders(start, end, EVERY[every], ZoneInfo(zone))
    assert found == brute_force(start, end, every, ZoneInfo(zone))


@settings(deadline=None, max_examples=60)
@given(zone=st.sampled_from(ZONES), every=st.sampled_from(LONG), days=st.integers(1, 500), data=st.data())
def test_long_buckets_are_those_of_the_wall_clock(zone, every, days, data):
    start = data.draw(moments(zone))
    end = start + timedelta(days=days)
    found = borders(start, end, EVERY[every], ZoneInfo(zone))
    assert found == brute_force(start, end, every, ZoneInfo(zone))


def test_the_long_and_the_short_day():
    found = borders(at("2026-03-28T00:00+01:00"), at("2026-03-31T00:00+02:00"), EVERY["P1D"], BERLIN)
    assert [b - a for a, b in pairwise(found)] == [timedelta(hours=hours) for hours in (24, 23, 24)]
    found = borders(at("2026-10-24T00:00+02:00"), at("2026-10-26T00:00+01:00"), EVERY["P1D"], BERLIN)
    assert [b - a for a, b in pairwise(found)] == [timedelta(hours=hours) for hours in (24, 25)]


def test_the_hour_that_comes_twice_is_two_buckets():
    found = borders(at("2026-10-25T02:00+02:00"), at("2026-10-25T03:00+01:00"), EVERY["PT1H"], BERLIN)
    assert len(found) - 1 == 2


def test_two_hours_follow_the_local_clock():
    autumn = borders(at("2026-10-25T00:00+02:00"), at("2026-10-25T06:00+01:00"), EVERY["PT2H"], BERLIN)
    assert autumn[1:3] == (at("2026-10-25T02:00+02:00"), at("2026-10-25T04:00+01:00"))
    spring = borders(at("2026-03-29T00:00+01:00"), at("2026-03-29T06:00+02:00"), EVERY["PT2H"], BERLIN)
    assert spring[1:3] == (at("2026-03-29T03:00+02:00"), at("2026-03-29T04:00+02:00"))


def test_weeks_start_on_monday():
    found = borders(at("2026-01-01T00:00+01:00"), at("2026-01-20T00:00+01:00"), EVERY["P1W"], BERLIN)
    assert found[1:-1] == tuple(at(f"2026-01-{day:02}T00:00+01:00") for day in (5, 12, 19))


def test_the_first_and_the_last_bucket_are_cut():
    found = borders(at("2026-01-01T13:07+01:00"), at("2026-01-02T00:00:01+01:00"), EVERY["P1D"], BERLIN)
    assert found == (at("2026-01-01T13:07+01:00"), at("2026-01-02T00:00+01:00"), at("2026-01-02T00:00:01+01:00"))


def test_a_day_that_a_zone_left_out_is_no_bucket():
    apia = ZoneInfo("Pacific/Apia")
    found = borders(at("2011-12-29T10:00:00Z"), at("2011-12-31T10:00:00Z"), EVERY["P1D"], apia)
    assert [one.astimezone(apia).day for one in found[:-1]] == [29, 31]


def test_without_a_length_there_is_one_bucket():
    start, end = at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z")
    assert borders(start, end, None, BERLIN) == (start, end)


def test_too_many_buckets_tell_the_limit():
    start = at("2026-01-01T00:00Z")
    most = start + MAX_BUCKETS * timedelta(minutes=15)
    assert len(borders(start, most, EVERY["PT15M"], BERLIN)) == MAX_BUCKETS + 1
    for end in (most + timedelta(seconds=1), at("9000-01-01T00:00Z")):
        with pytest.raises(TooCostly, match=str(MAX_BUCKETS)) as caught:
            borders(start, end, EVERY["PT15M"], BERLIN)
        assert caught.value.hint


@pytest.mark.parametrize("every", SHORT + LONG)
@pytest.mark.parametrize(
    ("start", "end"), [("0001-01-01T00:00Z", "0001-01-02T00:00Z"), ("9999-12-30T00:00Z", "9999-12-31T23:59Z")]
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Havana", "UTC"])
def test_the_ends_of_the_calendar_are_told_or_served(every, start, end, zone):
    try:
        found = borders(at(start), at(end), EVERY[every], ZoneInfo(zone))
    except BadInput as error:
        assert error.hint
    else:
        assert list(found) == sorted(set(found))


def test_unknown_lengths_name_the_known_ones():
    with pytest.raises(BadInput, match="PT7M") as caught:
        every_of("PT7M")
    assert all(one in (caught.value.hint or "") for one in EVERY)
