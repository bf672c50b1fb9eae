"""What a city gives in two rounds is one answer, and its report speaks of both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from federation.fanout import Outcome
from federation.report import CityReport, State
from federation.rounds import joined
from federation.rows import CityPage

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEGUN = CityReport(
    "fulda", State.OK, took_ms=3.0, as_of=NOW, policy_version="v1", obligations=("minimum-count=5", "time=PT1H")
)
MORE = CityReport(
    "fulda",
    State.OK,
    took_ms=4.0,
    as_of=NOW + timedelta(1),
    policy_version="v2",
    obligations=("time=PT1H", "place=100"),
)
FEW = CityPage("fulda", ["a", "b"], ["1", "2"], [[b"x", b"y"]], has_next=True, total=7, suggestions=("s",))
REST = CityPage("fulda", ["c"], ["3"], [[b"z"]], has_next=False)


def test_the_rows_of_both_rounds_are_one_page_under_what_both_told():
    outcome = joined(Outcome(BEGUN, FEW, 10), Outcome(MORE, REST, 5))
    page, report = outcome.given, outcome.report
    assert page is not None
    assert (page.sorts, page.keys, page.parts) == (["a", "b", "c"], ["1", "2", "3"], [[b"x", b"y", b"z"]])
    assert (page.has_next, page.total, page.suggestions, outcome.bytes) == (False, 7, ("s",), 15)
    assert report.obligations == ("minimum-count=5", "time=PT1H", "place=100"), (
        "rows of the first round are under theirs"
    )
    assert (report.took_ms, report.as_of, report.policy_version) == (7.0, NOW, "v2")


def test_what_was_missing_in_the_first_round_is_missing():
    partial = CityReport("fulda", State.PARTIAL, reason="its schema is another version, which has no totalCount")
    report = joined(Outcome(partial, FEW), Outcome(MORE, REST)).report
    assert (report.state, report.reason) == (State.PARTIAL, partial.reason)


def test_who_fails_in_the_second_round_has_given_nothing():
    late = CityReport("fulda", State.TIMEOUT, took_ms=9.0, reason="too late")
    outcome = joined(Outcome(BEGUN, FEW, 10), Outcome(late, None, 0))
    assert (outcome.given, outcome.report.state, outcome.report.took_ms) == (None, State.TIMEOUT, 12.0)
