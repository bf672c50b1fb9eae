"""The embedded server's watch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import text

from node.store import embedded
from node.store.embedded import EmbeddedError, embedded_postgres, kept_running
from node.store.engine import make_engine
from node.store.leftovers import LOCK_FILE, USERS_FILE, is_settled
from node.store.vanished import noticing


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


def test_its_directory_may_have_any_name_that_its_programs_can_take(tmp_path_factory):
    directory = tmp_path_factory.mktemp("e") / "Gießen #1 & 'alle'; %2F?x=1" / "pg"
    with embedded_postgres(directory) as url:
        with embedded_postgres(directory) as again:
            assert again == url
        with psycopg.connect(noticing(url)) as connection:
            assert connection.execute("select current_database()").fetchone() == ("verbund",)
        engine = make_engine(url)
        with engine.connect() as other:
            assert other.execute(text("select 1")).scalar() == 1
        engine.dispose()
    assert not (directory / LOCK_FILE).exists()


@pytest.mark.parametrize("name", ['a"b', "a$b", "a`b", "a\\b"])
def test_a_directory_that_its_programs_can_not_take_is_told_before_anything_is_made(tmp_path, name):
    with pytest.raises(EmbeddedError, match="choose another directory"), embedded_postgres(tmp_path / name / "pg"):
        pass
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("version", ["18\n", ""])
def test_a_data_directory_whose_making_was_interrupted_is_made_anew(tmp_path_factory, version):
    directory = tmp_path_factory.mktemp("e") / "pg"
    killed = 'lambda name, *_, **__: __import__("os").kill(__import__("os").getpid(), 9)'
    script = (
        "from pathlib import Path; from node.store import embedded;"
        f"embedded.postgres_server.pgexec = {killed};"
        f"embedded.embedded_postgres(Path({str(directory)!r})).__enter__()"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    (directory / "PG_VERSION").write_text(version)  # initdb writes it among the first
    (directory / "base").mkdir()
    with embedded_postgres(directory) as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert [file.name for file in directory.parent.iterdir()] == [directory.name]
    (directory / USERS_FILE).write_text("[12, 3")  # the power has failed
    with embedded_postgres(directory) as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_killed_server_is_started_again(tmp_path_factory, frequent_checks):
    directory = tmp_path_factory.mktemp("e") / "pg"
    with embedded_postgres(directory) as url, kept_running(directory, url):
        os.kill(int((directory / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        connected_again(url)


def test_a_server_that_recovers_is_waited_for(tmp_path_factory):
    directory = tmp_path_factory.mktemp("e") / "pg"
    with embedded_postgres(directory) as url:
        victim = psycopg.connect(url)
        os.kill(victim.info.backend_pid, signal.SIGKILL)  # all sessions end, and PostgreSQL recovers
        victim.close()
        with embedded_postgres(directory) as again:
            assert again == url


def test_a_killed_server_that_nobody_has_noticed_yet_is_none(tmp_path):
    file = tmp_path / LOCK_FILE
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ends = time.monotonic() + 10
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < ends
            time.sleep(0.01)
        file.write_text(f"{ended.pid}\n{tmp_path}\n")
        assert is_settled(tmp_path)
    assert not file.exists()


def test_a_killed_server_that_nobody_has_noticed_yet_keeps_no_socket(tmp_path_factory):
    directory = tmp_path_factory.mktemp("e") / "pg"
    with embedded_postgres(directory) as url, psycopg.connect(url) as connection:
        row = connection.execute("select setting from pg_settings where name = 'unix_socket_directories'").fetchone()
        assert row is not None
        lock = Path(row[0]) / ".s.PGSQL.5432.lock"
        locked, running = lock.read_text(), (directory / LOCK_FILE).read_text()
        owner = psutil.Process(int(running.split()[0])).uids().real
    with subprocess.Popen(["/bin/true"], user=owner) as ended:  # its number is taken until somebody waits for it
        for file, text in ((lock, locked), (directory / LOCK_FILE, running)):
            file.write_text(f"{ended.pid}\n{text.partition(chr(10))[2]}")
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        with embedded_postgres(directory) as url, psycopg.connect(url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("left", ["own", "4194304\n", "", "1"])
def test_a_number_that_is_another_process_s_now_is_no_server(tmp_path_factory, left):
    """After a power cut, or in a container that was started again; also if the file was not written to its end."""
    directory = tmp_path_factory.mktemp("e") / "pg"
    with embedded_postgres(directory):
        pass
    (directory / LOCK_FILE).write_text(f"{os.getpid()}\n/elsewhere\n" if left == "own" else left)
    with embedded_postgres(directory) as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_nothing_is_started_beside_what_is_left_of_a_killed_server(tmp_path_factory, frequent_checks):
    directory = tmp_path_factory.mktemp("e") / "pg"
    with embedded_postgres(directory) as url, kept_running(directory, url):
        assert is_settled(directory)
        assert (directory / LOCK_FILE).exists(), "it runs"
        first = psutil.Process(int((directory / LOCK_FILE).read_text().split()[0]))
        session = psycopg.connect(url)
        left = psutil.Process(session.info.backend_pid)
        left.suspend()
        first.kill()
        time.sleep(0.3)
        assert not is_settled(directory)
        assert int((directory / LOCK_FILE).read_text().split()[0]) == first.pid
        left.resume()
        session.close()
        connected_again(url)


def connected_again(url: str) -> None:
    ends = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert time.monotonic() < ends, "the server did not come back"
            time.sleep(0.1)
        else:
            return
