"""Does one very large answer double a node's memory? Asked of a node that has just been under the load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from tests.bench.read import proc
from tests.bench.read.queries import Query, big_question
from tests.bench.read.systems import GraphQLSystem

ALIASES = 10
ROWS_EACH = 10_000
LOAD_S = 1.0
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class BigAnswer:
    """Its size, and the node's peak memory in MB without and with it."""

    rows: int
    megabytes: float
    before_mb: float
    after_mb: float

    @property
    def growth(self) -> float:
        """How many times the memory was, compared with before."""
        return self.after_mb / self.before_mb


def measure_big_answer(node: GraphQLSystem, queries: Sequence[Query]) -> BigAnswer:
    """Put a fresh node under the load, then ask for very much at once."""
    assert node.pid is not None
    for query in queries:
        node.ask(query, 1)
        node.load(query, CONNECTIONS, LOAD_S)
    before = proc.peak_mb(node.pid)
    body = node.post(big_question(ALIASES, ROWS_EACH))
    rows = sum(len(datastream["observations"]["nodes"]) for datastream in orjson.loads(body)["data"].values())
    return BigAnswer(rows, len(body) / 1e6, before, proc.peak_mb(node.pid))
