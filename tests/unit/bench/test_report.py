"""The table, its JSON, and what is said about the targets."""

from __future__ import annotations

from tests.bench.read.figures import Figures
from tests.bench.read.report import as_json, as_text, from_json
from tests.bench.read.targets import growth_verdict, scale_verdicts, verdicts


def table(rps: float, rss: float = 200.0, p50: float = 1.0):
    systems = {
        "verbund": Figures(rps, p50, 2.0, rss),
        "postgraphile": Figures(1_000.0, 5.0, 9.0, 150.0),
        "strawberry": Figures(100.0, 50.0, 90.0, 90.0),
        "sql": Figures(2_000.0, 1.0, 1.5, 30.0),
    }
    return {"Q3": {1: systems, 16: systems}}


def reached(found) -> list[bool]:
    return [verdict.is_reached for verdict in found]


def test_json_has_the_agreed_form_and_can_be_read_again():
    told = as_json(table(4_000))
    assert told["Q3"]["16"]["verbund"] == {"rps": 4000.0, "p50_ms": 1.0, "p99_ms": 2.0, "rss_mb": 200.0}
    assert from_json(told) == table(4_000)


def test_the_text_tells_what_multiple_verbund_is():
    lines = as_text(table(4_000), {"Q3": "10,000 observations"}).splitlines()
    assert "Q3: 10,000 observations" in lines
    assert [line.split()[-2:] for line in lines if "postgraphile" in line] == [["4.00", "×"]] * 2


def test_bounds_belong_to_the_good_side():
    # against PostGraphile 4, Strawberry 22, bare statement 1.4, memory 250
    assert reached(verdicts(table(4_000, rss=250.0, p50=1.4))) == [True, True, True, True]
    assert reached(verdicts(table(3_999, rss=250.1, p50=1.41))) == [False, True, False, False]
    assert reached(verdicts(table(2_199))) == [False, False, True, True]


def test_what_was_not_measured_is_not_judged():
    only = {"Q3": {16: {"verbund": Figures(1, 1, 1, 1)}}, "Q4": {1: {"sql": Figures(1, 1, 1, 1)}}}
    assert [verdict.unit for verdict in verdicts(only)] == ["MB"]


def test_a_big_answer_may_not_double_the_memory():
    assert reached([growth_verdict(1.9), growth_verdict(2.1)]) == [True, False]


def test_many_more_observations_may_cost_a_third_at_most():
    assert reached(scale_verdicts(table(2_800), table(4_000))) == [True] * 4
    assert reached(scale_verdicts(table(2_799), table(4_000))) == [False] * 4
    assert scale_verdicts(table(2_800), {}) == []


def test_a_slower_machine_changes_the_throughput_and_not_the_ratios():
    half = {
        query: {
            at: {name: Figures(one.rps / 2, 1, 1, 1) for name, one in systems.items()} for at, systems in all_.items()
        }
        for query, all_ in table(4_000).items()
    }
    assert reached(scale_verdicts(half, table(4_000))) == [False, True, True, True]
    assert "MISSED" in str(scale_verdicts(half, table(4_000))[0])
