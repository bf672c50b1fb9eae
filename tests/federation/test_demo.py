"""`verbund demo` as somebody runs it: the showcase passes, Ctrl-C leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from node.demo.cities import CITIES
from tests.demo_ports import demo_ports


def taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    with demo_ports():
        if any(taken(city.port) for city in CITIES):
            pytest.skip("a demo is running on this machine: its ports 8101 to 8104 are taken")
        yield tmp_path_factory.mktemp("d")


def hear_ctrl_c() -> None:
    """What a shell starts in the background is deaf to it, and so are its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(directory, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "node.cli", "demo", "--directory", str(directory), "--days", "2", *words]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - this process has no threads that hold locks
    )


def test_the_showcase_passes(directory):
    process = start(directory, "--check")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert len(re.findall(r"^PASS  ", output, re.MULTILINE)) == 10, output
    assert "FAIL" not in output
    assert not any(taken(city.port) for city in CITIES)


def test_ctrl_c_stops_all_cities(directory):
    process = start(directory)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C stops" in line:
            break
    text = "".join(lines)
    assert all(f"http://127.0.0.1:{city.port}/graphql" in text for city in CITIES)
    assert "curl -s" in text
    assert "not an official service" in text
    os.kill(int(re.search(r"`kill (\d+)`", text)[1]), signal.SIGTERM)
    assert next(line for line in process.stdout if line.strip()).startswith("wetzlar is stopped")
    assert not taken(8103)
    assert taken(8101)
    os.kill(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text + rest
    assert "stopped" in rest
    for _ in range(50):
        if not any(taken(city.port) for city in CITIES):
            break
        time.sleep(0.1)
    assert not any(taken(city.port) for city in CITIES)
