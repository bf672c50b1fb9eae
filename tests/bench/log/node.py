"""A node with open data, run as its own process, with the embedded PostgreSQL and its durable settings."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.auth.token_client import Access, obtain_token
from node.setup import NodePlan, create_node
from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from tests.assessed import TIERS_AS_TOLD

SEED = (
    TIERS_AS_TOLD
    + """
insert into dataset (key, title, title_sort, tier, digest)
select 'd' || i, 'Liste ' || i, 'liste ' || i, 'OPEN', '' from generate_series(1, 200) i
"""
)
READY_S = 90
APPLICATION, PURPOSE = "messung", "research"


class BenchNode:
    """A node's home, and its process while it runs; `start` can run it without its log, as only benchmarks can."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = folder / "home"
        self.settings = create_node(
            self.home,
            NodePlan("giessen", "Gießen", f"http://127.0.0.1:{self.port}", port=self.port, unsafe_plain_http=True),
        )
        with embedded_postgres(self.settings.postgres_directory) as url:
            with psycopg.connect(url) as connection:
                connection.execute(SEED)
            self.url = url
            self._key = create_signing_key(folder / "application.pem")
            engine = make_engine(url)
            add_application(
                engine, Application(APPLICATION, "Messung", public_jwks(self._key), ("data:read",), (PURPOSE,))
            )
            engine.dispose()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, module: str = "node.cli") -> None:
        """Run `serve`; returns at once."""
        with (self.home.parent / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, "--home", str(self.home), "serve"],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_ready(self) -> None:
        """Until /health/ready says so."""
        ends = time.monotonic() + READY_S
        while time.monotonic() < ends:
            with (
                suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as got,
            ):
                if got.status == 200:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"not ready after {READY_S} s: {(self.home.parent / 'node.log').read_text()[-2000:]}")

    def access(self) -> Access:
        """An application's token, while it runs."""
        return asyncio.run(obtain_token(self.settings.issuer, APPLICATION, self._key, PURPOSE, "data:read"))

    def stop(self) -> None:
        """End it in order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def records(self) -> int:
        """How many access records there are; while it runs."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("select count(*) from access_record").fetchone()
        assert row is not None
        return int(row[0])

    def cpu_s(self) -> tuple[float, float]:
        """Processor seconds that the node and PostgreSQL have used since they began, ended children included."""
        postmaster = self.postmaster()
        assert self.process is not None
        assert postmaster is not None
        return _cpu_s(self.process.pid), _cpu_s(postmaster)

    def workers(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        assert self.process is not None
        return [one for one in psutil.Process(self.process.pid).children() if "python" in one.name()]

    def postmaster(self) -> int | None:
        """The process id of PostgreSQL."""
        with suppress(OSError, ValueError):
            return int((self.settings.postgres_directory / "postmaster.pid").read_text().splitlines()[0])
        return None


def _cpu_s(pid: int) -> float:
    """Of a process with all below it."""
    top = psutil.Process(pid)
    found = 0.0
    for process in [top, *top.children(recursive=True)]:
        with suppress(psutil.Error):
            times = process.cpu_times()
            found += times.user + times.system + times.children_user + times.children_system
    return found
