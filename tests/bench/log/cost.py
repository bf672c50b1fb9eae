"""What the log costs at concurrency 16 on small queries, against the same node with its log cut off."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from statistics import median

from tests.bench.log.node import BenchNode

CLIENTS, SECONDS, ROUNDS = 16, 4.0, 5
BODY = json.dumps({"query": '{ dataset(id: "giessen:dataset:d7") { id title } }'}).encode()


def main(folder: Path) -> None:
    """Print requests a second, in turns, and the ratio."""
    node = BenchNode(folder)
    figures: dict[str, list[float]] = {"node.cli": [], "tests.bench.log.unlogged": []}
    for _ in range(ROUNDS):
        for module, found in figures.items():
            node.start(module)
            node.wait_ready()
            asyncio.run(_throughput(node.port, 1.0))
            found.append(asyncio.run(_throughput(node.port, SECONDS)))
            node.stop()
    logged, unlogged = (median(found) for found in figures.values())
    ratios = sorted(one / other for one, other in zip(*figures.values(), strict=True))
    print(f"with the log {logged:.0f}/s, without {unlogged:.0f}/s: {1 - logged / unlogged:.1%} less")
    print(f"by pair: {', '.join(f'{1 - ratio:.1%}' for ratio in ratios)}")


async def _throughput(port: int, seconds: float) -> float:
    ends = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_client(port, ends) for _ in range(CLIENTS)))
    return sum(counts) / seconds


async def _client(port: int, ends: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(BODY),
        BODY,
    )
    count = 0
    while time.perf_counter() < ends:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert b"giessen:dataset:d7" in body, body
        count += 1
    writer.close()
    return count
