"""Kill node or PostgreSQL at random points under load; then no answered request may lack its record."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
import psycopg

from node.audit.fsck import Checked, check_log
from node.auth.log_keys import load_log_keys
from node.store.embedded import embedded_postgres
from tests.bench.log.node import BenchNode

QUERY = {"query": "{ datasets(first: 3) { nodes { id title } } }"}
CLIENTS = 8


@dataclass
class Outcome:
    """What was seen: traces that were answered with data, and how often what was killed."""

    answered: set[str] = field(default_factory=set)
    refused: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    checked: Checked | None = None


def kill_often(node: BenchNode, times: int, seed: int = 1, within_s: float = 3_600.0) -> Outcome:
    """Kill that often, or as often as there is time for; the node is started again when it is gone as a whole, as a service manager would."""
    return asyncio.run(_killed(node, times, random.Random(seed), within_s))


async def _killed(node: BenchNode, times: int, luck: random.Random, within_s: float) -> Outcome:
    outcome = Outcome()
    node.start()
    await asyncio.to_thread(node.wait_ready)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        clients = [asyncio.create_task(_ask(session, node, outcome)) for _ in range(CLIENTS)]
        ends = asyncio.get_running_loop().time() + within_s
        while sum(outcome.kills.values()) < times and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(luck.uniform(0.05, 0.6))
            what = luck.choice(["worker", "node", "postgres", "backend"])
            if _kill(node, what, luck):
                outcome.kills[what] = outcome.kills.get(what, 0) + 1
            if what == "node":
                node.start()
            await asyncio.to_thread(node.wait_ready)
        await asyncio.sleep(2.5)  # so that what was written last is sequenced
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    await asyncio.to_thread(node.stop)
    with (
        embedded_postgres(node.settings.postgres_directory) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        found = {row[0] for row in connection.execute("select trace_id from access_record")}
        outcome.lost = outcome.answered - found
        outcome.checked = check_log(connection, load_log_keys(node.settings).log.key)
    return outcome


async def _ask(session: aiohttp.ClientSession, node: BenchNode, outcome: Outcome) -> None:
    while True:
        trace = secrets.token_hex(16)
        headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
        try:
            url = f"http://127.0.0.1:{node.port}/graphql"
            async with session.post(url, json=QUERY, headers=headers) as response:
                body = await response.json()
                if response.status == 200 and (body.get("data") or {}).get("datasets"):
                    outcome.answered.add(trace)
                else:
                    outcome.refused += 1
                    await asyncio.sleep(0.02)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            outcome.refused += 1
            await asyncio.sleep(0.02)


def _kill(node: BenchNode, what: str, luck: random.Random) -> bool:
    with suppress(ProcessLookupError, psutil.Error):
        if what == "worker" and (workers := node.workers()):
            luck.choice(workers).kill()
            return True
        if what == "node" and node.process is not None:
            os.killpg(node.process.pid, signal.SIGKILL)
            node.process.wait()
            return True
        pid = node.postmaster()
        if pid is not None and what == "postgres":
            os.kill(pid, signal.SIGKILL)
            return True
        if pid is not None:
            backends = [one for one in psutil.Process(pid).children() if "verbund" in " ".join(one.cmdline())]
            if backends:
                luck.choice(backends).kill()
                return True
    return False


def main(folder: Path, times: int, within_s: float = 3_600.0) -> None:
    """Print what came of it."""
    outcome = kill_often(BenchNode(folder), times, within_s=within_s)
    print(f"killed {sum(outcome.kills.values())} times: {outcome.kills}")
    print(f"{len(outcome.answered)} answers, {outcome.refused} refusals, answers without a record: {len(outcome.lost)}")
    print(f"the log afterwards: {outcome.checked}")
