"""Local time: zones by name, borders at times that do not exist or come twice."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from node.store.statistics.zones import exists, reached, wall, zone_of
from schema.errors import BadInput


@pytest.mark.parametrize(
    "name", ["", "Europe/Gießen", "../../etc/passwd", "/etc/localtime", "europe/berlin", "x" * 10_000]
)
def test_what_is_no_zone_is_told(name):
    with pytest.raises(BadInput, match="timeZone") as caught:
        zone_of(name)
    assert caught.value.hint
    assert len(caught.value.message) < 200


def test_a_misspelt_zone_gets_a_hint():
    with pytest.raises(BadInput) as caught:
        zone_of("Europe/Berln")
    assert "Europe/Berlin" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00+00:00"),  # left out: the first later one
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30+00:00"),  # twice: the first
        ("Pacific/Apia", "2011-12-30T15:00", "2011-12-30T10:00+00:00"),  # a whole day left out
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30+00:00"),
        ("America/Havana", "2026-03-08T00:00", "2026-03-08T05:00+00:00"),  # midnight left out
        ("America/Havana", "2026-11-01T00:00", "2026-11-01T04:00+00:00"),  # midnight twice
    ],
)
def test_borders_lie_where_the_clock_first_shows_them(zone, local, instant):
    assert reached(datetime.fromisoformat(local), ZoneInfo(zone)) == datetime.fromisoformat(instant)


def test_the_second_pass_is_kept():
    berlin = ZoneInfo("Europe/Berlin")
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert wall(second, berlin).fold == 1
    assert reached(wall(second, berlin), berlin) == second


def test_times_that_are_left_out_do_not_exist():
    berlin = ZoneInfo("Europe/Berlin")
    assert not exists(datetime(2026, 3, 29, 2, 0), berlin)  # noqa: DTZ001
    assert exists(datetime(2026, 3, 29, 3, 0), berlin)  # noqa: DTZ001
