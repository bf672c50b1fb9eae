"""What is wanted of the read path, as ratios from one run, and whether it was reached. Pure; nothing here fails a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.read.figures import Figures

FULL = 16
ALONE = 1
THROUGHPUT = {
    "postgraphile": {"Q1": 1.2, "Q2": 3.5, "Q3": 4.0, "Q4": 1.2, "Q5": 2.2},
    "strawberry": {"Q1": 9.0, "Q2": 22.0, "Q3": 22.0, "Q4": 8.0, "Q5": 30.0},
}
TIMES_BARE = {"Q3": 1.4}
MEMORY_MB = 250.0
GROWTH = 2.0
SCALE_LOSS = 0.3

Table = Mapping[str, Mapping[int, Mapping[str, Figures]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One requirement: what it is about, the figure, the bound, and on which side of it the figure must be."""

    subject: str
    value: float
    bound: float
    at_least: bool
    unit: str = "×"

    @property
    def is_reached(self) -> bool:
        """True if the figure is on the right side."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        """One line for people."""
        side = "at least" if self.at_least else "at most"
        state = "reached" if self.is_reached else "MISSED"
        return f"{self.subject:<62} {self.value:>7.2f} {self.unit:<2}  {side:<8} {self.bound:>6.2f} {self.unit:<2}  {state}"


def verdicts(table: Table) -> list[Verdict]:
    """The requirements for which there are figures."""
    found = []
    for peer, wanted in THROUGHPUT.items():
        for query, bound in wanted.items():
            at_full = table.get(query, {}).get(FULL, {})
            if "verbund" in at_full and peer in at_full:
                ratio = at_full["verbund"].rps / at_full[peer].rps
                found.append(
                    Verdict(f"{query}, throughput against {peer}, {FULL} at once", ratio, bound, at_least=True)
                )
    for query, bound in TIMES_BARE.items():
        alone = table.get(query, {}).get(ALONE, {})
        if "verbund" in alone and "sql" in alone:
            ratio = alone["verbund"].p50_ms / alone["sql"].p50_ms
            found.append(
                Verdict(f"{query}, median time against the bare statement, one at a time", ratio, bound, at_least=False)
            )
    peaks = [systems["verbund"].rss_mb for at in table.values() for systems in at.values() if "verbund" in systems]
    if peaks:
        found.append(
            Verdict("peak memory of the node under this load", max(peaks), MEMORY_MB, at_least=False, unit="MB")
        )
    return found


def growth_verdict(growth: float) -> Verdict:
    """A very large answer does not double the memory."""
    return Verdict("peak memory with an answer of 100,000 rows, against before", growth, GROWTH, at_least=False)


def scale_verdicts(table: Table, smaller: Table) -> list[Verdict]:
    """With more observations things are as with fewer, within 30 %.

    Both the throughput and its ratios to the peers: the ratios do not change with whatever else the machine had to do.
    """
    found = []
    for query in table:
        now, before = (one.get(query, {}).get(FULL, {}) for one in (table, smaller))
        if "verbund" not in now or "verbund" not in before:
            continue
        change = now["verbund"].rps / before["verbund"].rps
        found.append(_scale_verdict(f"{query}, throughput", change))
        found += [
            _scale_verdict(f"{query}, ratio to {peer}", change * before[peer].rps / now[peer].rps)
            for peer in now
            if peer != "verbund" and peer in before
        ]
    return found


def _scale_verdict(subject: str, change: float) -> Verdict:
    return Verdict(f"{subject}, {FULL} at once, against a million rows", change, 1 - SCALE_LOSS, at_least=True)
