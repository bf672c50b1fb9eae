"""How many requests beyond one per question a peer may get: repeated and hedged ones together. Pure."""

from __future__ import annotations

SHARE = 0.1
BURST = 5.0
START = 1.0


class Budget:
    """A tenth of a request for each question, saved up to `BURST`.

    In any stretch of time, the requests beyond one per question are at most a tenth of the questions plus `BURST`.
    """

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved = START

    def earn(self) -> None:
        """A question was asked."""
        self._saved = min(self._saved + SHARE, BURST)

    def spend(self) -> bool:
        """Take one more request; False if there is none to be had."""
        if self._saved < 1 - 1e-9:  # ten tenths are one, whatever floating point says
            return False
        self._saved = max(self._saved - 1, 0.0)
        return True
