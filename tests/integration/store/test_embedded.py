"""The embedded server's watch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import psycopg
import pytest

from node.store import embedded
from node.store.embedded import _forget_the_zombie, embedded_postgres, kept_running


@pytest.fixture
def frequent_checks(monkeypatch):
    monkeypatch.setattr(embedded, "CHECK_EVERY_S", 0.001)


def test_a_stopped_server_stays_stopped(tmp_path_factory, frequent_checks):
    directory = tmp_path_factory.mktemp("e") / "pg"
    for _ in range(3):
        with embedded_postgres(directory) as url, kept_running(directory, url):
            time.sleep(0.05)
        time.sleep(0.5)
        assert not (directory / "postmaster.pid").exists(), "the watch has started the server again"


def test_a_killed_server_is_started_again(tmp_path_factory, frequent_checks):
    directory = tmp_path_factory.mktemp("e") / "pg"
    with embedded_postgres(directory) as url, kept_running(directory, url):
        os.kill(int((directory / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        ends = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(url).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < ends, "the server did not come back"
                time.sleep(0.1)


def test_a_server_that_recovers_is_waited_for(tmp_path_factory):
    directory = tmp_path_factory.mktemp("e") / "pg"
    with embedded_postgres(directory) as url:
        victim = psycopg.connect(url)
        os.kill(victim.info.backend_pid, signal.SIGKILL)  # all sessions end, and PostgreSQL recovers
        victim.close()
        with embedded_postgres(directory) as again:
            assert again == url


def test_a_killed_server_that_nobody_has_noticed_yet_is_none(tmp_path):
    file = tmp_path / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ends = time.monotonic() + 10
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < ends
            time.sleep(0.01)
        file.write_text(f"{ended.pid}\n{tmp_path}\n")
        _forget_the_zombie(tmp_path)
    assert not file.exists()
    file.write_text(f"{os.getpid()}\n{tmp_path}\n")
    _forget_the_zombie(tmp_path)
    assert file.exists()
