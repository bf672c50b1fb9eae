"""Whether a peer is asked at all. Pure.

Closed: it is asked. Open, after too many failures: it is not asked until a pause is over. Then half-open: one question
goes through as a probe. A good probe closes the breaker, a bad one opens it for a longer pause.
"""

from __future__ import annotations

from collections.abc import Callable

IN_A_ROW = 5
OF_THE_LAST = 20
FAILED_OF_THEM = 10
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0

_ROW = (1 << IN_A_ROW) - 1
_WINDOW = (1 << OF_THE_LAST) - 1


class Breaker:
    """One peer's breaker. `now` is in seconds of one monotonic clock; `random` gives numbers in [0, 1)."""

    __slots__ = ("_generation", "_pause", "_probing", "_random", "_recent", "_until", "why")

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._recent = 0  # a bit for each outcome, the latest is the lowest, 1 is a failure
        self._until: float | None = None
        self._pause = FIRST_PAUSE_S
        self._probing = False
        self._generation = 0
        self.why: Exception | None = None

    @property
    def is_open(self) -> bool:
        """True while the peer is not asked, or only probed."""
        return self._until is not None

    def may_ask(self, now: float) -> bool:
        """True if `admit` would admit."""
        return self._until is None or (not self._probing and now >= self._until)

    def retry_in(self, now: float) -> float:
        """Seconds until a probe is due; 0 if it is due or under way."""
        return 0.0 if self._until is None else max(self._until - now, 0.0)

    def admit(self, now: float) -> Permit | None:
        """A permit for one question, or None: the peer is not to be asked now. Each permit must be given back."""
        if not self.may_ask(now):
            return None
        self._probing = self.is_open
        return Permit(self._generation, is_probe=self.is_open)

    def answered(self, permit: Permit) -> None:
        """The peer answered; a refusal is an answer as well."""
        if self._takes_back(permit):
            if permit.is_probe:
                self._close()
            else:
                self._recent = self._recent << 1 & _WINDOW

    def failed(self, permit: Permit, now: float, why: Exception) -> None:
        """Nothing usable came: no connection, or a lost one, no answer in time, or word that it can't serve."""
        if not self._takes_back(permit):
            return
        self._recent = (self._recent << 1 | 1) & _WINDOW
        if permit.is_probe:
            self._open(now, self._pause * 2, why)
        elif self._recent & _ROW == _ROW or self._recent.bit_count() >= FAILED_OF_THEM:
            self._open(now, FIRST_PAUSE_S, why)

    def undecided(self, permit: Permit) -> None:
        """Nobody waited long enough to tell. The next question may be the probe."""
        if self._takes_back(permit) and permit.is_probe:
            self._probing = False

    def _takes_back(self, permit: Permit) -> bool:
        """True if the permit is evidence: given back for the first time, and of the present state."""
        is_first, permit.is_used = not permit.is_used, True
        return is_first and permit.generation == self._generation

    def _open(self, now: float, pause: float, why: Exception) -> None:
        self.why = why
        self._pause = min(pause, LONGEST_PAUSE_S)
        self._until = now + self._pause * (0.5 + 0.5 * self._random())  # not all nodes at the same moment
        self._begin_anew()

    def _close(self) -> None:
        self._until = self.why = None
        self._pause = FIRST_PAUSE_S
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._probing = False
        self._recent = 0
        self._generation += 1


class Permit:
    """Leave to ask once, given back by `answered`, `failed` or `undecided`; the first of them counts.

    What was asked before the breaker last opened or closed is no evidence any more.
    """

    __slots__ = ("generation", "is_probe", "is_used")

    def __init__(self, generation: int, *, is_probe: bool) -> None:
        self.generation = generation
        self.is_probe = is_probe
        self.is_used = False
