from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ingest.dcat.dates import read_date


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-01-27", datetime(2021, 1, 27, tzinfo=UTC)),
        ("2021-01-27T08:53:31", datetime(2021, 1, 27, 8, 53, 31, tzinfo=UTC)),
        ("2021-01-27T08:53:31.45059", datetime(2021, 1, 27, 8, 53, 31, 450590, tzinfo=UTC)),
        ("2021-01-27T08:53:31+02:00", datetime(2021, 1, 27, 6, 53, 31, tzinfo=UTC)),
        ("2021-01-27T08:53Z", datetime(2021, 1, 27, 8, 53, tzinfo=UTC)),
        ("2021-01-27+01:00", datetime(2021, 1, 27, tzinfo=UTC)),
        ("27.1.2021", datetime(2021, 1, 27, tzinfo=UTC)),
        ("2021-02", datetime(2021, 2, 1, tzinfo=UTC)),
        ("2021", datetime(2021, 1, 1, tzinfo=UTC)),
    ],
)
def test_dates_that_are_clear(text: str, moment: datetime) -> None:
    assert read_date(text) == moment


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2024-02", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("2021", datetime(2021, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2021-01-27", datetime(2021, 1, 27, 23, 59, 59, tzinfo=UTC)),
        ("2021-01-27T08:00:00Z", datetime(2021, 1, 27, 8, tzinfo=UTC)),
    ],
)
def test_an_end_takes_in_the_whole_day_month_or_year(text: str, last: datetime) -> None:
    assert read_date(text, end=True) == last


@pytest.mark.parametrize(
    "text", ["", "neulich", "2021-02-30", "2021-13", "31.02.2021", "01/02/2021", "Januar 2021", "2021-W01-1", "20210127",
             "0000", "2021-01-27T25:00:00", "9999-12-31T23:59:59-12:00", "12.5"]
)  # fmt: skip
def test_dates_that_can_not_be_cast(text: str) -> None:
    assert read_date(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    found = read_date(text)
    assert found is None or found.tzinfo is not None


@given(st.datetimes(timezones=st.just(UTC)))
def test_iso_moments_survive(moment: datetime) -> None:
    assert read_date(moment.isoformat()) == moment
