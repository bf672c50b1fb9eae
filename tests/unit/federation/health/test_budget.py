"""Whatever is asked, at most a tenth more is sent, and a small burst."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from federation.health.budget import BURST, SHARE, START, Budget


@given(st.lists(st.booleans(), max_size=600))
def test_never_more_than_a_tenth_beyond_the_first(events):
    """An event is a question, or the wish to send one again."""
    budget = Budget()
    asked = spent = 0
    for is_question in events:
        if is_question:
            budget.earn()
            asked += 1
        else:
            spent += budget.spend()
        assert spent <= START + SHARE * asked + 1e-6


@given(st.integers(0, 300), st.integers(0, 300))
def test_what_is_saved_in_quiet_times_is_bounded(before, after):
    budget = Budget()
    for _ in range(before):
        budget.earn()
    spent = 0
    for _ in range(after):
        budget.earn()
        while budget.spend():
            spent += 1
    assert spent <= BURST + SHARE * after + 1e-6


def test_ten_questions_earn_one_request():
    budget = Budget()
    while budget.spend():
        pass
    for _ in range(9):
        budget.earn()
        assert not budget.spend()
    budget.earn()
    assert budget.spend()
    assert not budget.spend()


def test_a_fresh_peer_may_be_asked_again_once():
    assert Budget().spend()
