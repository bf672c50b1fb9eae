"""The scalar Duration: ISO 8601, taken as it is written."""

from __future__ import annotations

import pytest

from schema.types.scalars import DURATION

parse = DURATION.parse_value


@pytest.mark.parametrize("text", ["PT15M", "PT1H", "P1D", "P1W", "P52W", "P1M", "P3M", "P1Y", "P1Y2M3DT4H5M"])
def test_durations_are_taken_as_they_are(text):
    assert parse(text) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "P",
        "PT",
        "1D",
        "P1",
        "p1d",
        "P-1D",
        "P1.5D",
        "P1D ",
        "P1D\n",
        "PT1S",
        "P1H",
        "P12345D",
        "P١D",
        1,
        None,
        True,
    ],
)
def test_what_is_none_names_the_remedy(value):
    with pytest.raises(ValueError, match="ISO 8601"):
        parse(value)


def test_a_long_text_is_not_repeated():
    with pytest.raises(ValueError, match="ISO 8601") as caught:
        parse("x" * 10_000)
    assert len(str(caught.value)) < 200
