"""The command line of `bench read`, and how many rows it makes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.bench.read.options import parse
from tests.bench.read.scale import scale_of


def test_the_default_is_everything():
    options = parse([])
    assert options.only == ("Q1", "Q2", "Q3", "Q4", "Q5")
    assert options.systems == ("verbund", "postgraphile", "strawberry", "sql")
    assert options.is_whole
    assert (options.concurrency, options.scale) == ((1, 16), scale_of(1_000_000))


def test_choices_keep_the_order_of_the_benchmark():
    options = parse(["--only", "Q3,Q1", "--systems", "sql,verbund", "--concurrency", "16,1,16"])
    assert not options.is_whole
    assert (options.only, options.systems, options.concurrency) == (("Q1", "Q3"), ("verbund", "sql"), (1, 16))


@pytest.mark.parametrize(
    "arguments",
    [["--only", "Q6"], ["--systems", "oracle"], ["--concurrency", "0"], ["--seconds", "0"], ["--rounds", "0"],
     ["--observations", "1000"], ["--datastreams", "49"], ["--fast"]],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_a_million_is_fifty_datastreams_with_their_last_half_year():
    scale = scale_of(1_000_000)
    assert (scale.datastreams, scale.each) == (50, 20_000)
    assert list(scale.years) == [2025, 2026]
    assert scale.start == datetime(2025, 9, 4, 16, tzinfo=UTC)


def test_hundred_millions_are_more_datastreams_and_longer_histories():
    scale = scale_of(100_000_000)
    assert (scale.datastreams, scale.each, scale.observations) == (500, 200_000, 100_000_000)
    assert list(scale.years) == [2020, 2021, 2022, 2023, 2024, 2025, 2026]
