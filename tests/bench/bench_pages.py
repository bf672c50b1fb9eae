"""How long pages take at the node, warm, and what a first view weighs: the four-city demo, one visitor after the other."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from node.demo.run import running
from node.demo.setup import prepare
from tests.bench.read.proc import cpu_s
from tests.demo_ports import demo_ports

VISITS = 120
WARM = 20
DAYS = 8
LOCAL = (
    "/datasets?city=offenbach",
    "/datasets/offenbach/radverkehrszaehlung",
    "/cities/offenbach",
    "/docs",
    "/imprint",
)
ACROSS = ("/", "/datasets", "/datasets?q=verkehr", "/datasets/fulda/radverkehrszaehlung", "/cities")
HEADERS = {"Accept": "text/html", "Accept-Encoding": "br"}


def main() -> None:
    with demo_ports(), tempfile.TemporaryDirectory(prefix="vb-", ignore_cleanup_errors=True) as directory:
        made = prepare(Path(directory), days=DAYS)
        with running(made) as nodes:
            node = nodes["offenbach"]
            asyncio.run(_measure(node.url, node._process.pid))


async def _measure(url: str, pid: int) -> None:
    async with aiohttp.ClientSession(auto_decompress=False, headers=HEADERS) as session:
        for name, pages in (("of this city alone", LOCAL), ("across four cities", ACROSS)):
            print(f"{name}: milliseconds at the middle, at 95 %, of processor time in the node; bytes of HTML as sent")
            for page in pages:
                await _visits(session, url + page, WARM)
                before = cpu_s(pid)
                times, size = await _visits(session, url + page, VISITS)
                busy = (cpu_s(pid) - before) * 1000 / VISITS
                middle, high = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
                print(f"  {page:<45} {middle:8.1f} {high:8.1f} {busy:8.1f} {size:8}")


async def _visits(session: aiohttp.ClientSession, url: str, count: int) -> tuple[list[float], int]:
    times, size = [], 0
    for _ in range(count):
        started = time.perf_counter()
        async with session.get(url) as response:
            response.raise_for_status()
            size = len(await response.read())
        times.append((time.perf_counter() - started) * 1000)
    return times, size
