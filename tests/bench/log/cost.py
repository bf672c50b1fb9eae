"""What the log costs at concurrency 16 on small queries, against the same node with its log cut off.

In turns, since other work on the machine comes and goes. Processor time tells the cost even then: of the node, its
workers, and PostgreSQL with what it does in the background.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from node.auth.token_client import Access
from tests.bench.log.node import BenchNode
from tests.bench.read.job import HttpJob, Load, Proofs, run_client

CLIENTS, SECONDS, ROUNDS = 16, 4.0, 5
BODY = json.dumps({"query": '{ dataset(id: "giessen:dataset:d7") { id title } }'}).encode()
ANSWER = b'"title":"Liste 7"'  # an answer is longer than what it must have, and one without data is no answer
WITH, WITHOUT = "node.cli", "tests.bench.log.unlogged"


@dataclass(frozen=True)
class Figure:
    """Requests a second, and processor time for each, in ms: of the node and of PostgreSQL."""

    rate: float
    node: float
    postgres: float

    @property
    def total(self) -> float:
        return self.node + self.postgres


def main(folder: Path) -> None:
    """Print the figures with the log and without it, and the difference, for nobody in particular and for a token."""
    node = BenchNode(folder)
    for is_known in (False, True):
        figures: dict[str, list[Figure]] = {WITH: [], WITHOUT: []}
        for _ in range(ROUNDS):
            for module, found in figures.items():
                node.start(module)
                node.wait_ready()
                access = node.access() if is_known else None
                before = node.records()
                _requests(node, access, 1.0)
                found.append(_measured(node, access))
                written = node.records() - before
                node.stop()
                if (written > CLIENTS) != (module == WITH):
                    raise SystemExit(f"{module} has written {written} records")
        print("an application, with a token and a proof:" if is_known else "nobody in particular:")
        _tell(figures)


def _tell(figures: dict[str, list[Figure]]) -> None:
    for module, name in ((WITH, "with the log"), (WITHOUT, "without")):
        found = figures[module]
        print(
            f"  {name:13} {median(one.rate for one in found):6.0f}/s, {median(one.total for one in found):.3f} ms for each"
            f" request: node {median(one.node for one in found):.3f}, PostgreSQL"
            f" {median(one.postgres for one in found):.3f}"
        )
    pairs = list(zip(figures[WITH], figures[WITHOUT], strict=True))
    print(f"  throughput lost, by pair: {_shares([1 - one.rate / other.rate for one, other in pairs])}")
    print(f"  processor time more, by pair: {_shares([one.total / other.total - 1 for one, other in pairs])}")
    print(f"  the same as a share of the whole: {_shares([1 - other.total / one.total for one, other in pairs])}")


def _measured(node: BenchNode, access: Access | None) -> Figure:
    before = node.cpu_s()
    load = _requests(node, access, SECONDS)
    of_node, of_postgres = (
        1000 * (after - earlier) / load.answers for earlier, after in zip(before, node.cpu_s(), strict=True)
    )
    return Figure(load.rps, of_node, of_postgres)


def _requests(node: BenchNode, access: Access | None, seconds: float) -> Load:
    own = "" if access is None else f"Authorization: DPoP {access.token}\r\n"
    head = f"POST /graphql HTTP/1.1\r\nHost: a\r\n{own}Content-Type: application/json\r\nContent-Length: {len(BODY)}"
    proofs = None
    if access is not None:
        proofs = Proofs(access.key.private_jwk, access.token, access.nonce, node.settings.graphql_url)
    request = f"{head}\r\n\r\n".encode() + BODY
    job = HttpJob(node.port, [request], [len(ANSWER)], CLIENTS, seconds, proofs)
    return run_client("tests.bench.read.http_client", job)


def _shares(values: list[float]) -> str:
    return f"{', '.join(f'{value:.1%}' for value in sorted(values))}; median {median(values):.1%}"
