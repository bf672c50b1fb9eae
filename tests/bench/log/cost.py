"""What the log costs at concurrency 16 on small queries, against the same node with its log cut off.

Both run side by side, each with a PostgreSQL of its own, and are asked in turns of a second, since other work on the
machine comes and goes. Processor time tells the cost even then: of the node, its workers, and PostgreSQL with what it
does in the background.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from node.auth.token_client import Access
from tests.bench.log.node import BenchNode
from tests.bench.read.job import HttpJob, Load, Proofs, run_client

CLIENTS, SECONDS, ROUNDS = 16, 1.0, 25
WARM_UP_S = 2.0
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
    with ExitStack() as stack:
        nodes = {module: stack.enter_context(_running(folder / module, module)) for module in (WITH, WITHOUT)}
        for is_known in (False, True):
            before = {module: node.records() for module, node in nodes.items()}
            print("an application, with a token and a proof:" if is_known else "nobody in particular:")
            _tell(_compared(nodes, is_known=is_known))
            for module, node in nodes.items():
                written = node.records() - before[module]
                if (written > CLIENTS) != (module == WITH):
                    raise SystemExit(f"{module} has written {written} records")


@contextmanager
def _running(folder: Path, module: str) -> Iterator[BenchNode]:
    folder.mkdir()
    node = BenchNode(folder)
    node.start(module)
    try:
        node.wait_ready()
        yield node
    finally:
        node.stop()


def _compared(nodes: Mapping[str, BenchNode], *, is_known: bool) -> dict[str, list[Figure]]:
    accesses = {module: node.access() if is_known else None for module, node in nodes.items()}
    for module, node in nodes.items():
        _requests(node, accesses[module], WARM_UP_S)
    figures: dict[str, list[Figure]] = {module: [] for module in nodes}
    for _ in range(ROUNDS):
        for module, node in nodes.items():
            figures[module].append(_measured(node, accesses[module]))
    return figures


def _tell(figures: dict[str, list[Figure]]) -> None:
    for module, name in ((WITH, "with the log"), (WITHOUT, "without")):
        found = figures[module]
        print(
            f"  {name:13} {median(one.rate for one in found):6.0f}/s, {median(one.total for one in found):.3f} ms for each"
            f" request: node {median(one.node for one in found):.3f}, PostgreSQL"
            f" {median(one.postgres for one in found):.3f}"
        )
    pairs = list(zip(figures[WITH], figures[WITHOUT], strict=True))
    print(f"  throughput lost: {_shares([1 - one.rate / other.rate for one, other in pairs])}")
    print(f"  processor time more: {_shares([one.total / other.total - 1 for one, other in pairs])}")
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
    low, middle, high = quantiles(values, n=4)
    return f"{middle:.1%}, half of the pairs between {low:.1%} and {high:.1%}"
