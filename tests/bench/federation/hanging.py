"""One of four cities hangs: what that costs a caller while it is still waited for, and once it is left alone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from node.settings import Limits
from tests.bench.federation.nodes import Nodes
from tests.bench.federation.world import BY_NAME, CITIES, HOME, global_ids
from tests.bench.read import proc
from tests.bench.read.queries import Query
from tests.bench.read.systems import GraphQLSystem

DEADLINE_MS = Limits().peer_ms
HANGS = next(city for city in CITIES if city != HOME)
F1 = BY_NAME["F1"]
QUERY = Query(
    "hanging",
    "",
    {"verbund": F1.documents["verbund"].replace("{ nodes", "{ federation { cities { city state reason } } nodes")},
    "",
    F1.variables,
    numbers=F1.numbers,
)
CONNECTIONS = 4
LEFT_ALONE = "not asked at the moment"
MOST_ASKED = 30


@dataclass(frozen=True, slots=True)
class Hanging:
    """Milliseconds: p99 with four healthy cities; the longest wait for the one that hangs; p99 once it is left alone."""

    healthy_ms: float
    waited_ms: float
    left_alone_ms: float

    def __str__(self) -> str:
        return (
            f"One of {len(CITIES)} cities hangs, {CONNECTIONS} at once: p99 {self.healthy_ms:.1f} ms before; at most"
            f" {self.waited_ms:.0f} ms while it is waited for (its deadline is {DEADLINE_MS} ms); p99"
            f" {self.left_alone_ms:.1f} ms once it is left alone"
        )


class NeverLeftAlone(Exception):
    """The home node went on waiting."""


def measure_hanging(nodes: Nodes, seconds: float) -> Hanging:
    """Ask all cities, stop one of them, and go on asking. Raises NeverLeftAlone."""
    with nodes.running() as cities:
        home = cities[HOME]
        system = GraphQLSystem("verbund", home.port, home.pid, id_of=global_ids, token=nodes.tokens.current)
        system.ask(QUERY, 1)
        system.load(QUERY, CONNECTIONS, seconds)
        healthy = system.load(QUERY, CONNECTIONS, seconds)
        with _stopped(cities[HANGS].pid):
            waited = max(_waits(system))
            system.ask(QUERY, 1)  # shorter, now that a city is missing
            left_alone = system.load(QUERY, CONNECTIONS, seconds)
        return Hanging(healthy.p99_ms, waited * 1000, left_alone.p99_ms)


def _waits(system: GraphQLSystem) -> Iterator[float]:
    """Seconds of each question until the city that hangs is not asked any more."""
    for number in range(MOST_ASKED):
        question = {"query": QUERY.documents["verbund"], "variables": dict(QUERY.variables)}
        question["variables"] = {**QUERY.variables, "id": global_ids(QUERY.numbers[number % len(QUERY.numbers)])}
        began = time.perf_counter()
        answer = orjson.loads(system.post(question))
        yield time.perf_counter() - began
        rows = answer["data"]["observations"]["federation"]["cities"]
        if any(LEFT_ALONE in (row["reason"] or "") for row in rows):
            return
    raise NeverLeftAlone(f"{HANGS} hangs, and is asked again and again")


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """All processes of a node stand still."""
    pids = proc.tree(pid)
    try:
        for one in pids:
            os.kill(one, signal.SIGSTOP)
        yield
    finally:
        for one in pids:
            os.kill(one, signal.SIGCONT)
