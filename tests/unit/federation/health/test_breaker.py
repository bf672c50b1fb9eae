"""A peer that fails is not asked for a while, and is asked again as soon as one probe went well."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from federation.health.breaker import FIRST_PAUSE_S, IN_A_ROW, LONGEST_PAUSE_S, Breaker, Permit

WHY = Exception("down")


def no_jitter() -> float:
    return 1.0


def admitted(breaker: Breaker, now: float = 0.0) -> Permit:
    permit = breaker.admit(now)
    assert permit is not None
    return permit


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(no_jitter)
    for _ in range(IN_A_ROW):
        breaker.failed(admitted(breaker, now), now, WHY)
    return breaker


def test_it_opens_after_some_failures_in_a_row_and_tells_why():
    breaker = Breaker(no_jitter)
    for _ in range(IN_A_ROW - 1):
        breaker.failed(admitted(breaker), 0, WHY)
        assert not breaker.is_open
    breaker.failed(admitted(breaker), 0, WHY)
    assert breaker.is_open
    assert breaker.why is WHY
    assert breaker.retry_in(0.25) == FIRST_PAUSE_S - 0.25
    assert breaker.admit(FIRST_PAUSE_S - 0.01) is None


def test_an_answer_between_them_keeps_it_closed():
    breaker = Breaker(no_jitter)
    for _ in range(3):
        for _ in range(IN_A_ROW - 3):
            breaker.failed(admitted(breaker), 0, WHY)
        for _ in range(8):
            breaker.answered(admitted(breaker))
    assert not breaker.is_open


def test_half_of_the_questions_failing_opens_it():
    breaker = Breaker(no_jitter)
    for _ in range(10):
        assert not breaker.is_open
        breaker.answered(admitted(breaker))
        breaker.failed(admitted(breaker), 0, WHY)
    assert breaker.is_open


def test_questions_that_nobody_waited_for_open_nothing():
    breaker = Breaker(no_jitter)
    for _ in range(100):
        breaker.undecided(admitted(breaker))
    assert not breaker.is_open


def test_there_is_one_probe_at_a_time():
    breaker = opened()
    probe = admitted(breaker, 1)
    assert probe.is_probe
    assert breaker.admit(1) is None
    assert breaker.admit(1_000) is None
    breaker.undecided(probe)
    assert admitted(breaker, 1).is_probe


def test_pauses_grow_and_are_bounded():
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(8):
        now += breaker.retry_in(now)
        breaker.failed(admitted(breaker, now), now, WHY)
        pauses.append(breaker.retry_in(now))
    assert pauses[:4] == pytest.approx([2, 4, 8, 16])
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_S)
    breaker.answered(admitted(breaker, now + LONGEST_PAUSE_S))
    for _ in range(IN_A_ROW):
        breaker.failed(admitted(breaker, now), now, WHY)
    assert breaker.retry_in(now) == pytest.approx(FIRST_PAUSE_S), "a good probe forgets the past"


def test_what_was_asked_before_it_opened_says_nothing_afterwards():
    breaker = Breaker(no_jitter)
    old = [admitted(breaker) for _ in range(20)]
    for permit in old[:IN_A_ROW]:
        breaker.failed(permit, 0, WHY)
    probe = admitted(breaker, 1)
    for permit in old[IN_A_ROW:12]:
        breaker.failed(permit, 1, WHY)
    breaker.answered(old[12])
    assert breaker.is_open, "an old answer is no probe"
    assert breaker.retry_in(1) == 0, "an old failure makes no pause longer"
    breaker.answered(probe)
    for permit in old[13:]:
        breaker.failed(permit, 1, WHY)
    assert not breaker.is_open


class Life(RuleBasedStateMachine):
    """Any order of questions, outcomes and waiting."""

    permits = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.jitter = 0.0
        self.breaker = Breaker(lambda: self.jitter)
        self.probes: list[Permit] = []

    @rule(seconds=st.floats(0, 40), jitter=st.floats(0, 0.99))
    def wait(self, seconds: float, jitter: float) -> None:
        self.now += seconds
        self.jitter = jitter

    @rule(target=permits)
    def ask(self) -> Permit | None:
        promised = self.breaker.may_ask(self.now)
        was_open = self.breaker.is_open
        permit = self.breaker.admit(self.now)
        assert (permit is not None) == promised
        if permit is not None:
            assert permit.is_probe == was_open
            if permit.is_probe:
                self.probes.append(permit)
        return permit

    @rule(permit=consumes(permits))
    def answered(self, permit: Permit | None) -> None:
        if permit is not None and not permit.is_used:
            self.breaker.answered(permit)
            assert not (permit.is_probe and self.breaker.is_open), "a good probe always closes"

    @rule(permit=consumes(permits))
    def failed(self, permit: Permit | None) -> None:
        if permit is not None and not permit.is_used:
            self.breaker.failed(permit, self.now, WHY)
            assert not permit.is_probe or self.breaker.retry_in(self.now) > 0

    @rule(permit=permits)
    def undecided(self, permit: Permit | None) -> None:
        if permit is not None:
            self.breaker.undecided(permit)

    @invariant()
    def one_probe_at_most(self) -> None:
        assert sum(not probe.is_used for probe in self.probes) <= 1

    @invariant()
    def the_pause_is_bounded(self) -> None:
        assert 0 <= self.breaker.retry_in(self.now) <= LONGEST_PAUSE_S

    @invariant()
    def it_is_never_stuck(self) -> None:
        """Without a probe under way, it may be asked after the pause."""
        if all(probe.is_used for probe in self.probes):
            assert self.breaker.may_ask(self.now + LONGEST_PAUSE_S)


TestLife = Life.TestCase
