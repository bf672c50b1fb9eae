"""A node at rest: how long it takes to be ready on a migrated database, and how much memory a worker has of its own."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import psutil
import psycopg

from node.demo.processes import NodeProcess
from node.setup import NodePlan, create_node
from node.store.embedded import embedded_postgres
from tests.federation.cities import free_port

TURNS = 3
REST_S = 5.0  # until what is looked up every few seconds has been


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vb-", ignore_cleanup_errors=True) as directory:
        home = Path(directory)
        with embedded_postgres(home / "pg") as url:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("create database idle")
            port = free_port()
            plan = NodePlan(
                "marburg", "Marburg", f"http://127.0.0.1:{port}", port=port, unsafe_plain_http=True,
                database_url=url.replace("/verbund?", "/idle?"),
            )  # fmt: skip
            settings = create_node(home / "node", plan)
            waits, spent, memory = [], [], []
            for _ in range(TURNS):
                node = NodeProcess(settings)
                began = time.monotonic()
                node.start()
                node.wait_ready()
                waits.append(time.monotonic() - began)
                supervisor = psutil.Process(node._process.pid)
                everybody = [supervisor, *supervisor.children(recursive=True)]
                spent.append(sum(_seconds(one) for one in everybody))
                time.sleep(REST_S)
                workers = [one for one in everybody[1:] if "spawn_main" in " ".join(one.cmdline())]
                memory.append((workers[0].memory_full_info().uss, supervisor.memory_full_info().uss))
                node.stop()
    print(f"  ready after                  {statistics.median(waits):8.2f} s    on a migrated database")
    print(f"  processor time until then    {statistics.median(spent):8.2f} s    what it would take on an idle machine")
    print(f"  a worker's own memory        {max(one for one, _ in memory) / 1e6:8.0f} MB")
    print(f"  its supervisor's             {max(other for _, other in memory) / 1e6:8.0f} MB")


def _seconds(process: psutil.Process) -> float:
    """With children that have ended: the check at the start is one."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
