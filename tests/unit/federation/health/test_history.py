"""How long to wait for a peer follows from how long it took, and is never too short for one that is new or busy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.health.history import FLOOR_S, HEDGE_FLOOR_S, LEARN_FROM, History

LIMIT = 4.0
DURATIONS = st.lists(st.floats(0.001, 60), min_size=LEARN_FROM, max_size=300)


def after(*durations: float) -> History:
    history = History()
    for took in durations:
        history.answered(took, now=0.0)
    return history


@given(DURATIONS, st.sampled_from([0.5, 0.95, 0.99]))
def test_quantiles_are_right_within_a_fifth(durations, share):
    rank, ordered = len(durations) * share, sorted(durations)
    least, most = ordered[math.ceil(rank - 1e-6) - 1], ordered[min(math.floor(rank + 1e-6), len(ordered) - 1)]
    assert least * 0.999 <= after(*durations).quantile(share) <= most * 1.2


@given(DURATIONS)
def test_what_was_usual_so_far_is_always_waited_for(durations):
    history = after(*durations)
    for limit in (0.3, LIMIT, 1_000.0):
        patience = history.patience(limit)
        assert min(limit, FLOOR_S) <= patience <= limit
        assert patience == limit or patience > durations[-1] * 1.9


@given(st.lists(st.floats(0.001, 0.1), max_size=LEARN_FROM - 1))
def test_a_new_peer_gets_all_the_time_there_is_and_no_second_request(durations):
    history = after(*durations)
    assert history.patience(LIMIT) == LIMIT
    assert history.hedge_after() is None


def test_a_quick_peer_is_given_up_soon_and_hedged_after_its_usual_time():
    assert after(*[0.01] * 100).patience(LIMIT) == FLOOR_S
    assert after(*[0.01] * 100).hedge_after() == HEDGE_FLOOR_S
    assert after(*[0.2] * 100).hedge_after() == pytest.approx(0.2, rel=0.2)


def test_a_rare_heavy_question_is_not_cut_off_by_the_light_ones():
    history = after(*[0.005] * 300, 1.5, *[0.005] * 300)
    assert history.patience(LIMIT) > 1.5


def test_waiting_in_vain_makes_for_more_time():
    history = after(*[0.005] * 300)
    tried = []
    for _ in range(4):
        tried.append(history.patience(LIMIT))
        history.in_vain(tried[-1])
    assert tried == [1, 2, 4, 4]


def test_it_learns_anew_when_a_peer_changes():
    history = after(*[2.0] * 1_000, *[0.01] * 6_000)
    assert history.patience(LIMIT) == FLOOR_S
    assert history.usual() < 0.015
    history = after(*[0.01] * 5_000, *[0.5] * 200)
    assert history.usual() > 0.4


def test_it_knows_whether_anything_was_heard():
    history = History()
    assert not history.heard_since(0)
    history.answered(0.1, now=5.0)
    assert history.heard_since(4.9)
    assert not history.heard_since(5.0)
    history.heard(6.0)
    assert history.heard_since(5.0)
    history.in_vain(1.0)
    assert not history.heard_since(6.0)
