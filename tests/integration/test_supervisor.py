"""Workers that end are replaced; without the database ever more slowly, without usable settings not at all."""

from __future__ import annotations

import re
import signal
import time
from contextlib import contextmanager

import psutil
import psycopg
import pytest

from node.auth.keys import create_signing_key
from node.demo.processes import NodeProcess
from node.settings import FILE_NAME, load_settings
from tests.federation.cities import free_port

WAIT_S = 60


def until(condition, what: str):
    ends = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < ends, what
        time.sleep(0.05)
    return found


@pytest.fixture
def node(tmp_path, database_url):
    port = free_port()
    (tmp_path / FILE_NAME).write_text(
        f'city = "giessen"\nname = "Gießen"\nissuer = "http://127.0.0.1:{port}"\nport = {port}\n'
        f'database_url = "{database_url}"\nunsafe_plain_http = true\n'
    )
    (tmp_path / "keys").mkdir(mode=0o700)
    for name in ("signing", "federation", "log", "witness"):
        create_signing_key(tmp_path / "keys" / f"{name}.pem")
    process = NodeProcess(load_settings(tmp_path, environment={}))
    yield process
    process.kill()


def workers(node: NodeProcess) -> list[psutil.Process]:
    children = psutil.Process(node._process.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def waits(node: NodeProcess) -> list[int]:
    return [int(seconds) for seconds in re.findall(r"the next one starts in (\d+) s", node.log_file.read_text())]


@contextmanager
def database_away(url: str):
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f"alter database {name} allow_connections false")
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        try:
            yield
        finally:
            connection.execute(f"alter database {name} allow_connections true")


def test_a_killed_worker_is_replaced_at_once(node):
    node.start()
    node.wait_ready()
    [worker] = workers(node)
    worker.send_signal(signal.SIGKILL)
    until(lambda: node.is_ready() and workers(node) not in ([], [worker]), "there is no new worker")
    assert waits(node) == [0]


def test_without_the_database_it_tries_ever_more_slowly_and_goes_on_when_it_is_back(node, database_url):
    with database_away(database_url):
        node.start()
        until(lambda: "trying again in 1 s" in node.log_file.read_text(), "it does not wait for the database")
    node.wait_ready()
    with database_away(database_url):
        workers(node)[0].send_signal(signal.SIGKILL)
        until(lambda: len(waits(node)) >= 3, "the worker is not tried again")
        assert node.is_running()
    until(node.is_ready, "it has not come back")
    assert waits(node)[:3] == [0, 1, 2]


def test_it_gives_up_when_no_worker_can_use_the_settings(node):
    node.start()
    node.wait_ready()
    file = node.settings.home / FILE_NAME
    file.write_text(file.read_text() + "colour = 1\n")
    workers(node)[0].send_signal(signal.SIGKILL)
    assert node._process.wait(WAIT_S) == 1
    log = node.log_file.read_text()
    assert "colour: is not a setting" in log
    assert "no worker can use the settings" in log
    assert "Traceback" not in log
