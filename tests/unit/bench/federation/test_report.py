"""The table and what is said about the targets; the options."""

from __future__ import annotations

import pytest

from tests.bench.federation.options import parse
from tests.bench.federation.report import as_text
from tests.bench.federation.targets import verdicts
from tests.bench.read.figures import Figures, summary


def table(rps: float, rss: float = 200.0):
    systems = {
        "verbund": Figures(rps, 1.0, 2.0, rss, 2.0, 1.0, 2.0),
        "hive": Figures(100.0, 5.0, 9.0, 600.0, 8.0, 1.0, 1.0),
        "stitching": Figures(50.0, 5.0, 9.0, 300.0),
    }
    return {"F1": {1: systems, 16: systems}}


def test_the_text_tells_multiples_of_throughput_and_of_processor_time():
    lines = as_text(table(150), {"F1": "4 cities x 10 rows"}).splitlines()
    assert "F1: 4 cities x 10 rows" in lines
    assert [line.split()[-4:] for line in lines if "hive" in line] == [["1.50", "×", "2.00", "×"]] * 2


def test_the_text_does_without_verbund():
    only = {"F1": {1: {"hive": table(1)["F1"][1]["hive"]}}}
    assert "×" not in as_text(only, {"F1": ""})


def test_bounds_belong_to_the_good_side():
    # against Hive Gateway: throughput 1.2, a third of the memory
    assert [verdict.is_reached for verdict in verdicts(table(120, rss=200))] == [True, True, True]
    assert [verdict.is_reached for verdict in verdicts(table(119, rss=201))] == [False, False, False]


def test_what_was_not_measured_is_not_judged():
    assert verdicts({"F2": {16: {"verbund": Figures(1, 1, 1, 1)}}}) == []
    assert verdicts({}) == []


def test_medians_of_the_owners_time_are_taken():
    assert summary([Figures(1, 1, 1, 1, 0, 0, owners) for owners in (1.0, 9.0, 2.0)]).owners_ms == 2.0


def test_the_default_is_everything():
    options = parse([])
    assert options.is_whole
    assert options.systems == ("verbund", "hive", "stitching")
    assert options.only == ("F1", "F2", "F1-identical", "F2-identical", "F2-cities")
    assert not parse(["--only", "F1"]).is_whole


@pytest.mark.parametrize(
    "arguments",
    [["--only", "F3"], ["--systems", "postgraphile"], ["--concurrency", "0"], ["--seconds", "61"], ["--rounds", "0"]],
)
def test_what_makes_no_sense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err
