"""What is wanted of the federation, as ratios from one run, and whether it was reached. Pure; nothing here fails a run."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.federation.curve_report import Point
from tests.bench.federation.hanging import DEADLINE_MS, Hanging
from tests.bench.read.targets import Table, Verdict

AGAINST = "hive"
THROUGHPUT = {"F1": 1.2, "F2": 4.0, "F1-identical": 1.2, "F2-identical": 4.0}
MEMORY_SHARE = 1 / 3
MANY = 400
MANY_CPU_MS = 150.0
REQUESTS_EACH = 1.1  # one, and at most a tenth more for those that are repeated


def verdicts(table: Table) -> list[Verdict]:
    """The requirements for which there are figures."""
    found = []
    for query, bound in THROUGHPUT.items():
        for connections, systems in table.get(query, {}).items():
            if {"verbund", AGAINST} <= systems.keys():
                ratio = systems["verbund"].rps / systems[AGAINST].rps
                found.append(
                    Verdict(
                        f"{query}, throughput against {AGAINST}, {connections} at once", ratio, bound, at_least=True
                    )
                )
    peaks = {system: _peak(table, system) for system in ("verbund", AGAINST)}
    if all(peaks.values()):
        share = peaks["verbund"] / peaks[AGAINST]
        found.append(Verdict(f"peak memory of the home node against {AGAINST}", share, MEMORY_SHARE, at_least=False))
    return found


def hanging_verdicts(found: Hanging | None) -> list[Verdict]:
    """A city that hangs costs its deadline at most, and soon next to nothing."""
    if found is None:
        return []
    subject = "p99 with a city that hangs"
    return [
        Verdict(f"{subject}, waited for, by its deadline", found.waited_ms / DEADLINE_MS, 1.05, at_least=False),
        Verdict(f"{subject}, left alone, by that before", found.left_alone_ms / found.healthy_ms, 1.2, at_least=False),
    ]


def curve_verdicts(points: Sequence[Point]) -> list[Verdict]:
    """With very many owners a page costs a bounded time and hardly more than one request to each, and its cursor does not grow."""
    found = []
    for one in points:
        if one.owners == MANY:
            subject = f"a page from {one.owners} owners"
            found += [
                Verdict(f"{subject}, processor time", one.cpu_ms, MANY_CPU_MS, at_least=False, unit="ms"),
                Verdict(f"{subject}, requests for each", one.requests / one.owners, REQUESTS_EACH, at_least=False),
                Verdict(
                    f"{subject}, its cursor against that of {points[0].owners}",
                    one.cursor_bytes / points[0].cursor_bytes,
                    1,
                    at_least=False,
                ),
            ]
    return found


def _peak(table: Table, system: str) -> float:
    return max((found[system].rss_mb for at in table.values() for found in at.values() if system in found), default=0)
