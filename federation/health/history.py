"""How long a peer has been taking, and what follows for how long to wait for it. Pure.

A histogram with buckets in geometric steps: constant size, quantiles within a fifth. What is older counts less.
"""

from __future__ import annotations

import math

FIRST_S = 0.001
STEPS_PER_DOUBLING = 4
BUCKETS = 68  # up to 131 s
HALVE_AT = 512.0  # answers; then all that were seen count half
LEARN_FROM = 20  # answers before anything is concluded
REFRESH_EVERY = 16  # answers between two looks at the quantiles

FLOOR_S = 1.0
TIMES_P99 = 4.0
TIMES_LONGEST = 2.0
LONGEST_FADES = 0.999  # per answer
HEDGE_FLOOR_S = 0.05  # below that a second request costs more than anybody would notice

_EDGES = [FIRST_S * math.pow(2, index / STEPS_PER_DOUBLING) for index in range(BUCKETS)]


class History:
    """The durations of a peer's answers. All times in seconds."""

    def __init__(self) -> None:
        self._counts = [0.0] * BUCKETS
        self._total = 0.0
        self._answers = 0
        self._longest = 0.0
        self._answered_at = float("-inf")
        self._p95 = self._p99 = 0.0

    def answered(self, took: float, now: float) -> None:
        """A question was answered after `took`."""
        self._answered_at = now
        self._longest = max(self._longest * LONGEST_FADES, took)
        self._counts[_bucket(took)] += 1
        self._total += 1
        self._answers += 1
        if self._total >= HALVE_AT:
            self._counts = [count / 2 for count in self._counts]
            self._total /= 2
        if self._answers <= LEARN_FROM or self._answers % REFRESH_EVERY == 0:
            self._p95, self._p99 = self.quantile(0.95), self.quantile(0.99)

    def heard(self, now: float) -> None:
        """The peer gave an answer that says nothing about how long it takes, such as a refusal."""
        self._answered_at = now

    def in_vain(self, waited: float) -> None:
        """No answer came within `waited`: it may have been a heavy question, so the next one gets more time."""
        self._longest = max(self._longest, waited)

    def heard_since(self, moment: float) -> bool:
        """True if the peer answered anybody after `moment`: it is not hanging, only busy with something."""
        return self._answered_at > moment

    def patience(self, limit: float) -> float:
        """How long to wait for a peer from which nothing at all is heard; never more than `limit`.

        A peer that is hardly known gets all of it, and so does in a few steps one whose questions became heavy.
        """
        if self._answers < LEARN_FROM:
            return limit
        return min(limit, max(FLOOR_S, TIMES_P99 * self._p99, TIMES_LONGEST * self._longest))

    def usual(self) -> float | None:
        """What nearly all answers (95 %) take; None if the peer is hardly known."""
        return self._p95 if self._answers >= LEARN_FROM else None

    def hedge_after(self) -> float | None:
        """When a second request for the same question is worth its cost; None if the peer is hardly known."""
        usual = self.usual()
        return None if usual is None else max(usual, HEDGE_FLOOR_S)

    def quantile(self, share: float) -> float:
        """The upper edge of the bucket that `share` of the answers lie below or in; 0 without answers."""
        above = self._total * (1 - share)
        for index in range(BUCKETS - 1, -1, -1):
            above -= self._counts[index]
            if above < 0:
                return _EDGES[index]
        return 0.0


def _bucket(took: float) -> int:
    if took <= FIRST_S:
        return 0
    return min(math.ceil(math.log2(took / FIRST_S) * STEPS_PER_DOUBLING), BUCKETS - 1)
