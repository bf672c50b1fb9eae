"""What nobody who asks these four databases can go below: the bare statements of the owners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.federation.world import ASKED, BARE, CITIES, HOME
from tests.bench.read import proc
from tests.bench.read.figures import Figures
from tests.bench.read.queries import Query
from tests.bench.read.systems import SqlSystem
from tests.bench.read.targets import Table

ROWS = (10, 1_000)


@dataclass(frozen=True, slots=True)
class Floor:
    """Milliseconds of PostgreSQL for one bare statement, by its number of rows."""

    statement_ms: Mapping[int, float]

    def text(self, table: Table) -> str:
        """What follows for F2: with F1's requests, decisions and records, and rows that cost their statements alone."""
        few, many = (self.statement_ms[rows] * len(CITIES) for rows in ROWS)
        lines = [f"Bare statements of {len(CITIES)} cities: {few:.2f} ms of PostgreSQL for F1, {many:.2f} ms for F2."]
        for connections, systems in table.get("F2", {}).items():
            own, ours = systems.get("verbund"), table.get("F1", {}).get(connections, {}).get("verbund")
            theirs = systems.get("hive")
            if own is None or ours is None or theirs is None:
                continue
            floor = _all(ours) + many - few
            lines.append(
                f"  F2, {connections} at once: F1's {_all(ours):.2f} ms and {many - few:.2f} ms for more rows are"
                f" {floor:.2f} ms; Verbund takes {_all(own):.2f}, Hive {_all(theirs):.2f}: at most"
                f" {_all(theirs) / floor:.1f} times are possible, {_all(theirs) / _all(own):.1f} are reached"
            )
        return "\n".join(lines)


def measure_floor(databases: Mapping[str, str], postgres_pid: int, seconds: float) -> Floor:
    """Run the bare statement in the home node's database, over and over."""
    system = SqlSystem(databases[HOME])
    found = {}
    for rows in ROWS:
        query = Query(f"bare {rows}", "", {}, BARE, {"first": rows}, numbers=ASKED)
        system.ask(query, ASKED[0])
        before = proc.cpu_s(postgres_pid)
        load = system.load(query, 1, seconds)
        found[rows] = (proc.cpu_s(postgres_pid) - before) * 1000 / load.answers
    return Floor(found)


def _all(figures: Figures) -> float:
    return figures.server_ms + figures.owners_ms + figures.postgres_ms
