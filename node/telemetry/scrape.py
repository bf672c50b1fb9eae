"""`/metrics` on a port of its own, served by the supervisor: it answers however busy the workers are.

Every two seconds each worker writes its counts to a file beside the others'; the supervisor adds them up when somebody
asks. What a worker that has died had counted stays counted, or the sums would go backwards.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

import msgspec
import psutil

from node.telemetry.counts import METRICS, Counts, Series, together
from node.telemetry.exposition import CONTENT_TYPE, exposition

log = logging.getLogger("verbund.telemetry")
WRITE_EVERY_S = 2.0
TIMEOUT_S = 10
_Counted = msgspec.json.Decoder(list[Series])


def counts_directory(home: Path, supervisor: int) -> Path:
    """Where the workers of a supervisor write their counts."""
    return home / "run" / str(supervisor)


async def keep_written(counts: Counts, directory: Path, worker: int) -> None:
    """Write the worker's counts again and again, until cancelled; then once more. A disk that is full is told once."""
    file, told = directory / f"{worker}.json", None
    try:
        while True:
            problem = _write(counts, file)
            if problem is not None and problem != told:
                log.warning("figures can't be written to %s: %s", directory, problem)
            told = problem
            await asyncio.sleep(WRITE_EVERY_S)
    finally:
        _write(counts, file)


def _write(counts: Counts, file: Path) -> str | None:
    """Returns why it can't be written."""
    new = file.with_suffix(".new")
    try:
        new.write_bytes(msgspec.json.encode(counts.read()))
        new.replace(file)
    except FileNotFoundError:  # the supervisor has left
        return None
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


@contextmanager
def serve_metrics(host: str, port: int, directory: Path) -> Iterator[int]:
    """Serve the counts that are in `directory`, which is made and removed; yields the port."""
    _forget_the_dead(directory.parent)
    shutil.rmtree(directory, ignore_errors=True)  # in a container every supervisor has the same process id
    directory.mkdir(parents=True, mode=0o700)
    server = _Server((host, port), _handler(directory))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        shutil.rmtree(directory, ignore_errors=True)


def page(directory: Path) -> str:
    """The node's figures as text."""
    return exposition(together(_read(directory)))


def _read(directory: Path) -> Iterator[list[Series]]:
    for file in directory.glob("*.json"):
        try:
            found = _Counted.decode(file.read_bytes())
        except (OSError, msgspec.DecodeError):
            continue
        alive = psutil.pid_exists(int(file.stem))
        yield [series for series in found if alive or METRICS[series.name].kind != "gauge"]


def _forget_the_dead(parent: Path) -> None:
    for left in parent.glob("*"):
        if left.name.isdigit() and not psutil.pid_exists(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """As `HTTPServer`'s, which looks up the name of the address: one that hangs would hold up the node."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


def _handler(directory: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_S
        server_version = "verbund"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path != "/metrics":
                self.send_error(404)
                return
            body = page(directory).encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are not worth a line."""

    return Handler
