"""Run a node as a process of its own, and see that it goes when it should."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import IO, Any

from node.settings import Settings

READY_S = 60.0
STOP_S = 20.0


class NodeFailed(Exception):
    """A node did not come up; the text says where its log is."""


class NodeProcess:
    """`verbund serve` for one home directory. Its output goes to `node.log` there."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log_file = settings.home / "node.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the node answers."""
        return self.settings.issuer

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process; `wait_ready` waits for it."""
        self._log = self.log_file.open("wb")
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "node.cli", "--home", str(self.settings.home), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops its nodes in order
        )

    def wait_ready(self, seconds: float = READY_S) -> None:
        """Wait until the node says that it is ready.

        Raises:
            NodeFailed: it ended, or did not become ready in time.
        """
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if self._process is None or self._process.poll() is not None:
                raise NodeFailed(f"{self.settings.city} ended at its start: see {self.log_file}")
            if self.is_ready():
                return
            time.sleep(0.05)
        raise NodeFailed(f"{self.settings.city} is not ready after {seconds:.0f} s: see {self.log_file}")

    def is_ready(self) -> bool:
        """Ask /health/ready once."""
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2) as answer:  # noqa: S310 - our own URL
                body: dict[str, Any] = json.load(answer)
        except (OSError, ValueError):
            return False
        return body.get("status") == "ready"

    def is_running(self) -> bool:
        """True until the process has ended."""
        return self._process is not None and self._process.poll() is None

    def was_stopped(self) -> bool:
        """True if the process has ended because it was asked to, or was killed."""
        code = None if self._process is None else self._process.poll()
        return code is not None and code <= 0

    def ask_to_stop(self) -> None:
        """Ask the node to finish its requests and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask the node to end, and wait; kill it if it does not."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def kill(self) -> None:
        """End the node and its workers without warning, as a power cut would."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def _close(self) -> None:
        self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None
