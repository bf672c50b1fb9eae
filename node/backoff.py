"""How long to wait before something that failed is tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_S = 1.0
CAP_S = 30.0
STEADY_S = 60.0  # what has run for so long has not failed at its start


@dataclass(slots=True)
class Backoff:
    """The first time at once, then after one second, two, four, …, never more than 30. A steady run begins anew."""

    failures: int = 0

    def failed(self, ran_s: float) -> float:
        """Seconds to wait, after it ran for `ran_s` seconds."""
        if ran_s >= STEADY_S:
            self.failures = 0
        self.failures += 1
        return 0.0 if self.failures == 1 else min(CAP_S, FIRST_S * 2.0 ** min(self.failures - 2, 16))
