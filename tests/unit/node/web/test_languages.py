"""Numbers and times as people read them."""

from __future__ import annotations

import pytest

from node.web.i18n import DE, EN


@pytest.mark.parametrize(
    ("value", "digits", "german", "english"),
    [(50.123456, 5, "50,12346", "50.12346"), (1234.56, 1, "1.234,6", "1,234.6"), (1000, 1, "1.000", "1,000")],
)
def test_a_number_has_the_digits_that_are_asked_for(value, digits, german, english):
    assert (DE.number(value, digits), EN.number(value, digits)) == (german, english)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"])
def test_times_at_both_ends_of_the_calendar_can_be_told(moment):
    assert moment[:4].lstrip("0") in DE.date(moment)
    assert DE.moment(moment)
