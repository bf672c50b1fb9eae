"""What the log costs at concurrency 16 on small queries, against the same node with its log cut off.

In turns, since other work on the machine comes and goes. Processor time tells the cost even then: of the node, its
workers, and PostgreSQL with what it does in the background.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.log.node import BenchNode

CLIENTS, SECONDS, ROUNDS = 16, 4.0, 5
BODY = json.dumps({"query": '{ dataset(id: "giessen:dataset:d7") { id title } }'}).encode()
REQUEST = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
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
    """Print the figures with the log and without it, and the difference."""
    node = BenchNode(folder)
    figures: dict[str, list[Figure]] = {WITH: [], WITHOUT: []}
    for _ in range(ROUNDS):
        for module, found in figures.items():
            node.start(module)
            node.wait_ready()
            before = node.records()
            asyncio.run(_requests(node.port, 1.0))
            found.append(_measured(node))
            written = node.records() - before
            node.stop()
            if (written > 0) != (module == WITH):
                raise SystemExit(f"{module} has written {written} records")
    for module, name in ((WITH, "with the log"), (WITHOUT, "without")):
        found = figures[module]
        print(
            f"{name:13} {median(one.rate for one in found):6.0f}/s, {median(one.total for one in found):.3f} ms for each"
            f" request: node {median(one.node for one in found):.3f}, PostgreSQL"
            f" {median(one.postgres for one in found):.3f}"
        )
    pairs = list(zip(figures[WITH], figures[WITHOUT], strict=True))
    print(f"throughput lost, by pair: {_shares([1 - one.rate / other.rate for one, other in pairs])}")
    print(f"processor time more, by pair: {_shares([one.total / other.total - 1 for one, other in pairs])}")
    print(f"the same as a share of the whole: {_shares([1 - other.total / one.total for one, other in pairs])}")


def _measured(node: BenchNode) -> Figure:
    before, began = node.cpu_s(), time.perf_counter()
    count = asyncio.run(_requests(node.port, SECONDS))
    took = time.perf_counter() - began
    of_node, of_postgres = (
        1000 * (after - earlier) / count for earlier, after in zip(before, node.cpu_s(), strict=True)
    )
    return Figure(count / took, of_node, of_postgres)


def _shares(values: list[float]) -> str:
    return f"{', '.join(f'{value:.1%}' for value in sorted(values))}; median {median(values):.1%}"


async def _requests(port: int, seconds: float) -> int:
    ends = time.perf_counter() + seconds
    return sum(await asyncio.gather(*(_client(port, ends) for _ in range(CLIENTS))))


async def _client(port: int, ends: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.perf_counter() < ends:
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert b"Liste 7" in body, body
        count += 1
    writer.close()
    return count
