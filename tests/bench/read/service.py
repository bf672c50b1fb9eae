"""A server in a process of its own: started, watched, and stopped whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY_S = 60.0
STOP_S = 15.0


class ServiceFailed(Exception):
    """A server did not come up; the text says where its log is."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running server on 127.0.0.1."""

    name: str
    port: int
    pid: int


@contextmanager
def service(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    ready: str,
    log: Path,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """Run `command` until the context ends. It is ready when it answers to GET `ready`, with whatever status below 500.

    Raises:
        ServiceFailed: it ended, or did not answer in time.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the benchmark alone, which then stops its servers
        )
        try:
            _wait(name, process, f"http://127.0.0.1:{port}{ready}", log)
            yield Service(name, port, process.pid)
        finally:
            _stop(process)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(name: str, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends = time.monotonic() + READY_S
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise ServiceFailed(f"{name} ended at its start: see {log}")
        if _answers(url):
            return
        time.sleep(0.1)
    raise ServiceFailed(f"{name} does not answer at {url} after {READY_S:.0f} s: see {log}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
    with contextlib.suppress(ProcessLookupError):  # what is left of its group
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
