"""The measurements: systems in turns, several rounds, so that what disturbs the machine disturbs all alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.bench.read import proc
from tests.bench.read.figures import Figures, summary
from tests.bench.read.queries import Query
from tests.bench.read.systems import System
from tests.bench.read.values import check_agreement

WARM_UP_S = 0.5
WARM_UP_CONNECTIONS = 4
QUIET_S = 0.5
QUIET_SHARE = 0.15  # of one processor
LOOK_S = 0.15

Table = dict[str, dict[int, dict[str, Figures]]]
"""Figures by query, concurrency and system."""


@dataclass(slots=True)
class Campaign:
    """What is measured, how long, and against which PostgreSQL."""

    systems: Sequence[System]
    queries: Sequence[Query]
    concurrencies: Sequence[int]
    seconds: float
    rounds: int
    postgres_pid: int
    progress: Callable[[str], None]
    foreign: list[float] = field(default_factory=list)

    def check(self) -> None:
        """All systems give the same values; raises Disagreement otherwise."""
        for query in self.queries:
            for number in _checked(query):
                check_agreement(query.name, {system.name: system.ask(query, number) for system in self.systems})

    def run(self) -> Table:
        """Warm up, then measure round by round; each round begins with another system."""
        for system in self.systems:
            for query in self.queries:
                system.load(query, WARM_UP_CONNECTIONS, WARM_UP_S)
        found: dict[tuple[str, int, str], list[Figures]] = {}
        for turn in range(self.rounds):
            shift = turn % len(self.systems)
            order = [*self.systems[shift:], *self.systems[:shift]]
            for query in self.queries:
                for connections in self.concurrencies:
                    for system in order:
                        figures = self._measure(system, query, connections)
                        found.setdefault((query.name, connections, system.name), []).append(figures)
            self.progress(f"round {turn + 1} of {self.rounds} is done")
        return {
            query.name: {
                connections: {
                    system.name: summary(found[query.name, connections, system.name]) for system in self.systems
                }
                for connections in self.concurrencies
            }
            for query in self.queries
        }

    def _measure(self, system: System, query: Query, connections: int) -> Figures:
        _wait_for_quiet()
        if system.pid is not None:
            proc.forget_peak(system.pid)
        started, machine, ours = time.monotonic(), proc.machine_cpu_s(), proc.cpu_s(os.getpid())
        postgres, server, owners = proc.cpu_s(self.postgres_pid), _cpu_s(system), _owners_cpu_s(system)
        load = system.load(query, connections, self.seconds)
        postgres, server = proc.cpu_s(self.postgres_pid) - postgres, _cpu_s(system) - server
        owners = _owners_cpu_s(system) - owners
        # this process, its servers and clients, and PostgreSQL; all else is others'
        others = proc.machine_cpu_s() - machine - (proc.cpu_s(os.getpid()) - ours) - postgres
        self.foreign.append(max(0.0, others) / ((time.monotonic() - started) * (os.cpu_count() or 1)))
        peak = load.peak_mb if system.pid is None else proc.peak_mb(system.pid)
        server_ms = (load.cpu_s if system.pid is None else server) * 1000 / load.answers
        postgres_ms, owners_ms = postgres * 1000 / load.answers, owners * 1000 / load.answers
        return Figures(load.rps, load.p50_ms, load.p99_ms, peak, server_ms, postgres_ms, owners_ms)


def _cpu_s(system: System) -> float:
    return 0.0 if system.pid is None else proc.cpu_s(system.pid)


def _owners_cpu_s(system: System) -> float:
    return sum(map(proc.cpu_s, system.owners))


def _wait_for_quiet() -> None:
    """Until hardly anything runs; not for ever, since other work may go on."""
    ends = time.monotonic() + QUIET_S
    while time.monotonic() < ends:
        before = proc.machine_cpu_s()
        time.sleep(LOOK_S)
        if proc.machine_cpu_s() - before < QUIET_SHARE * LOOK_S:
            return


def _checked(query: Query) -> set[int]:
    """Some of the datastreams that are asked for."""
    numbers = query.numbers
    return {numbers[0], numbers[len(numbers) // 3], numbers[-1]} if query.names_datastream else {numbers[0]}
