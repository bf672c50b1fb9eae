"""The figures of one measurement, and what becomes of several. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figures:
    """Requests per second, latencies in milliseconds, peak memory of the system's processes in MB.

    `server_ms`, `owners_ms` (of servers behind it) and `postgres_ms` are processor time per request. They are the
    steadier figures on a machine that has other work to do; the file of results does not hold them.
    """

    rps: float
    p50_ms: float
    p99_ms: float
    rss_mb: float
    server_ms: float = 0.0
    postgres_ms: float = 0.0
    owners_ms: float = 0.0

    def as_json(self) -> dict[str, float]:
        """For `.bench/read.json`."""
        return {
            "rps": round(self.rps, 1),
            "p50_ms": round(self.p50_ms, 3),
            "p99_ms": round(self.p99_ms, 3),
            "rss_mb": round(self.rss_mb, 1),
        }


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the sorted values do not exceed (nearest rank); 0 if there are none."""
    if not ordered:
        return 0.0
    rank = -int(-share * len(ordered) // 1)  # rounded up
    return ordered[min(max(rank, 1), len(ordered)) - 1]


def summary(rounds: Sequence[Figures]) -> Figures:
    """Medians over the rounds; the memory is the highest."""
    return Figures(
        median(one.rps for one in rounds),
        median(one.p50_ms for one in rounds),
        median(one.p99_ms for one in rounds),
        max(one.rss_mb for one in rounds),
        median(one.server_ms for one in rounds),
        median(one.postgres_ms for one in rounds),
        median(one.owners_ms for one in rounds),
    )
