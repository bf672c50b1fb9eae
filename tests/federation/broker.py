"""A real Mosquitto of a test's own."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.federation.cities import free_port

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin")
needs_broker = pytest.mark.skipif(
    MOSQUITTO is None, reason="there is no Mosquitto: `make broker` installs it from Debian"
)
# without autosave_on_changes a broker that is killed forgets what it took in since half an hour
KEEPS = "persistence true\npersistence_location {}/\nautosave_on_changes true\nautosave_interval 1\n"


class Broker:
    """Listens at `port` while it runs; what is on disk is there again when it starts anew, if it `keeps` anything."""

    def __init__(self, directory: Path, *, keeps: bool = False) -> None:
        self.port = free_port()
        self._config = directory / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nuser {getpass.getuser()}\n"
            + (KEEPS.format(directory) if keeps else "")
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As settings have it."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """True until it has ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; returns at once."""
        assert MOSQUITTO is not None
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """End it without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
