# ruff: noqa: DTZ001 -- local times without a zone are what is tested here
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from node.ingest.counts.local_time import Ambiguous, LocalClock, TimeFlaw, utc_candidates
from node.ingest.counts.mapping import TimeRules

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def clock(**rules: str) -> LocalClock:
    return LocalClock(TimeRules(column="t", **({"interval": "PT15M"} | rules)), now=NOW)


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


@given(
    st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["Europe/Berlin", "Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
@example(datetime(2024, 3, 31, 2, 30), "Europe/Berlin")
@example(datetime(2024, 10, 27, 2, 30), "Europe/Berlin")
@example(datetime(1980, 4, 6, 2, 30), "Europe/Berlin")
@example(datetime(2024, 4, 7, 1, 45), "Australia/Lord_Howe")
def test_the_candidates_are_all_moments_that_show_this_local_time(local: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    # Every offset that the zone has around this day, tried one by one.
    offsets = {
        (local.replace(tzinfo=UTC) + timedelta(hours=hour)).astimezone(zone).utcoffset() for hour in range(-48, 49)
    }
    tried = {local.replace(tzinfo=UTC) - offset for offset in offsets if offset is not None}
    assert list(utc_candidates(local, zone)) == sorted(moment for moment in tried if in_zone(moment, zone) == local)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2026, 7, 1)))
def test_a_moment_survives_the_way_through_local_time(moment: datetime) -> None:
    moment = moment.replace(second=0, microsecond=0, tzinfo=UTC)
    local = in_zone(moment, ZoneInfo("Europe/Berlin"))
    stamp = clock().stamp(local.strftime("%Y-%m-%d %H:%M") if local.year > 999 else "")
    stamps = [stamp.first, stamp.second] if isinstance(stamp, Ambiguous) else [stamp]
    assert f"{moment.isoformat()}\t{(moment + timedelta(minutes=15)).isoformat()}" in stamps


def test_summer_and_winter_time() -> None:
    assert clock().stamp("2024-07-01 00:00") == "2024-06-30T22:00:00+00:00\t2024-06-30T22:15:00+00:00"
    assert clock().stamp("2024-01-01 00:00") == "2023-12-31T23:00:00+00:00\t2023-12-31T23:15:00+00:00"


def test_an_interval_over_the_change_of_the_clocks_has_its_true_length() -> None:
    assert clock(interval="PT1H").stamp("2024-03-31 01:00") == "2024-03-31T00:00:00+00:00\t2024-03-31T01:00:00+00:00"


def test_the_skipped_hour_of_spring_does_not_exist() -> None:
    assert clock().stamp("2024-03-31 02:00") is TimeFlaw.NONEXISTENT
    assert clock().stamp("2024-03-31 02:59") is TimeFlaw.NONEXISTENT
    assert isinstance(clock().stamp("2024-03-31 03:00"), str)


def test_the_double_hour_of_autumn_has_two_meanings() -> None:
    assert clock().stamp("2024-10-27 02:15") == Ambiguous(
        "2024-10-27T00:15:00+00:00\t2024-10-27T00:30:00+00:00", "2024-10-27T01:15:00+00:00\t2024-10-27T01:30:00+00:00"
    )
    assert isinstance(clock().stamp("2024-10-27 01:45"), str)
    assert isinstance(clock().stamp("2024-10-27 03:00"), str)


@pytest.mark.parametrize(
    "text", ["", "gestern", "2024-13-01 00:00", "2024-02-30 00:00", "2024-W27-3 00:00", "01.07.2024 00:00", "2024-07-01",
             "2024-07-01 24:00", "2024-07-01T00:00", "2024-07-01 00:00:00", "2024-07-01 0000", "2024-07-01 00:00+02"]
)  # fmt: skip
def test_other_formats_are_not_guessed(text: str) -> None:
    assert clock().stamp(text) is TimeFlaw.UNREADABLE


@pytest.mark.parametrize("text", ["0001-01-01 00:00", "1969-12-31 00:00", "2026-08-05 00:00", "9999-12-31 23:59"])
def test_times_that_no_counter_can_have_are_refused(text: str) -> None:
    assert clock().stamp(text) in {TimeFlaw.IMPLAUSIBLE, TimeFlaw.UNREADABLE}


def test_other_formats_by_the_mapping() -> None:
    expected = "2024-06-30T22:00:00+00:00\t2024-06-30T22:15:00+00:00"
    assert clock(format="%d.%m.%Y %H:%M").stamp("01.07.2024 00:00") == expected
    assert clock(format="%Y-%m-%dT%H:%M:%S").stamp("2024-07-01T00:00:00") == expected
    assert clock(format="%Y-%m-%d %H:%M%z").stamp("2024-07-01 00:00+0200") == expected
    assert clock(format="%Y-%m-%d %H:%M%z").stamp("2024-10-27 02:15+0100") == (
        "2024-10-27T01:15:00+00:00\t2024-10-27T01:30:00+00:00"
    )
