"""How much processor time the load client itself takes for a small request: it shares the machine with what it measures."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.read.job import REPOSITORY, HttpJob, run_client
from tests.bench.read.service import free_port, service

REQUEST = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
SECONDS = 1.0


def client_microseconds(connections: int, log: Path) -> float:
    """Processor time per request, against a server whose answer of 1 kB is constant."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.read.static_server", str(port)]
    with service("static", command, port=port, ready="/", log=log, cwd=REPOSITORY):
        load = run_client("tests.bench.read.http_client", HttpJob(port, [REQUEST], [1_000], connections, SECONDS))
    return load.cpu_s / load.answers * 1e6
