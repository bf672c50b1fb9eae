"""What counts as an answer, and how long it may take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.report import CityReport, State
from node.gate.requirement import check_requirement, require, within_deadline
from policy.model import ANONYMOUS
from schema.errors import BadInput, Incomplete
from schema.ports import Request
from schema.selection import Field


def field(**arguments) -> Field:
    return Field("datasets", "datasets", "DatasetConnection", arguments, {})


@given(st.lists(st.sampled_from(State), max_size=8), st.integers(1, 9))
def test_a_quorum_is_the_number_of_cities_of_which_nothing_is_missing(states, quorum):
    reports = [CityReport(f"c{number}", state, reason="x") for number, state in enumerate(states)]
    answered = sum(state in {State.OK, State.SKIPPED} for state in states)
    wanted = field(require="QUORUM", quorum=quorum)
    check_requirement(wanted)
    if answered >= quorum:
        require(wanted, reports)
    else:
        with pytest.raises(Incomplete, match=f"{answered} of {quorum} required"):
            require(wanted, reports)
    require(field(require="BEST_EFFORT"), reports)
    if answered < len(states):
        with pytest.raises(Incomplete, match="not every city"):
            require(field(require="ALL"), reports)
    else:
        require(field(require="ALL"), reports)


@pytest.mark.parametrize(
    "arguments",
    [{"require": "QUORUM"}, {"require": "ALL", "quorum": 1}, {"require": "QUORUM", "quorum": 0}, {"deadlineMs": 0}],
)
def test_what_makes_no_sense_is_refused(arguments):
    with pytest.raises(BadInput):
        check_requirement(field(**arguments))


def test_a_deadline_only_shortens():
    request = Request(ANONYMOUS, "", 110.0, "", "")
    assert within_deadline(request, field(), lambda: 100.0) is request
    assert within_deadline(request, field(deadlineMs=2_500), lambda: 100.0).deadline == 102.5
    assert within_deadline(request, field(deadlineMs=60_000), lambda: 100.0) == request
