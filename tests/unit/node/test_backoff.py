from __future__ import annotations

from node.backoff import CAP_S, STEADY_S, Backoff


def test_at_once_then_ever_more_slowly_up_to_the_cap():
    backoff = Backoff()
    waits = [backoff.failed(1) for _ in range(9)]
    assert waits[:6] == [0, 1, 2, 4, 8, 16]
    assert waits[6:] == [CAP_S] * 3


def test_a_steady_run_begins_anew():
    backoff = Backoff()
    for _ in range(5):
        backoff.failed(1)
    assert backoff.failed(STEADY_S) == 0
    assert backoff.failed(1) == 1


def test_it_never_overflows():
    backoff = Backoff(failures=10**6)
    assert backoff.failed(0) == CAP_S
