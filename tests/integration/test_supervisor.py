"""Workers that end are replaced; without the database ever more slowly, without usable settings not at all.

One node goes through the tests in their order, since starting it is what takes time.
"""

from __future__ import annotations

import re
import signal
import time
from contextlib import contextmanager

import psutil
import psycopg
import pytest

from node.demo.processes import NodeProcess
from node.settings import FILE_NAME, load_settings
from node.setup import create_missing_keys
from tests.conftest import TEMPLATE
from tests.federation.cities import free_port

WAIT_S = 60
DATABASE = "supervised"


def until(condition, what: str):
    ends = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < ends, what
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def node(tmp_path_factory, postgres_url):
    home, port = tmp_path_factory.mktemp("node"), free_port()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {DATABASE} template {TEMPLATE}")
    database_url = postgres_url.replace("/verbund?", f"/{DATABASE}?")
    (home / FILE_NAME).write_text(
        f'city = "giessen"\nname = "Gießen"\nissuer = "http://127.0.0.1:{port}"\nport = {port}\n'
        f'database_url = "{database_url}"\nunsafe_plain_http = true\n'
    )
    settings = load_settings(home, environment={})
    create_missing_keys(settings)
    process = NodeProcess(settings)
    yield process
    process.kill()


def workers(node: NodeProcess) -> list[psutil.Process]:
    children = psutil.Process(node._process.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def waits(node: NodeProcess) -> list[int]:
    return [int(seconds) for seconds in re.findall(r"the next one starts in (\d+) s", node.log_file.read_text())]


@contextmanager
def database_away(postgres_url: str):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"alter database {DATABASE} allow_connections false")
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (DATABASE,))
        try:
            yield
        finally:
            connection.execute(f"alter database {DATABASE} allow_connections true")


def test_at_its_start_it_waits_for_the_database(node, postgres_url):
    with database_away(postgres_url):
        node.start()
        until(lambda: waits(node) == [0, 1], "it does not wait for the database")
        assert "database: can't be reached" in node.log_file.read_text()
    node.wait_ready()
    assert f"giessen listens on 127.0.0.1 port {node.settings.port}" in node.log_file.read_text()


def test_a_killed_worker_is_replaced_at_once(node):
    before, [worker] = len(waits(node)), workers(node)
    worker.send_signal(signal.SIGKILL)
    until(lambda: node.is_ready() and workers(node) not in ([], [worker]), "there is no new worker")
    assert len(waits(node)) > before


def test_without_the_database_workers_are_tried_ever_more_slowly_until_it_is_back(node, postgres_url):
    with database_away(postgres_url):
        before = len(waits(node))
        workers(node)[0].send_signal(signal.SIGKILL)
        until(lambda: len(waits(node)) >= before + 2, "the worker is not tried again")
        assert node.is_running()
    until(node.is_ready, "it has not come back")
    waited = waits(node)[before:]
    assert waited == sorted(set(waited)), "each time longer"


def test_it_gives_up_when_no_worker_can_use_the_settings(node):
    file = node.settings.home / FILE_NAME
    file.write_text(file.read_text() + "colour = 1\n")
    workers(node)[0].send_signal(signal.SIGKILL)
    assert node._process.wait(WAIT_S) == 1
    log = node.log_file.read_text()
    assert "colour: is not a setting" in log
    assert "can't be served before" in log
    assert "Traceback" not in log
    file.write_text(file.read_text().replace("colour = 1\n", ""))


def test_a_database_of_an_older_schema_is_not_served(node, postgres_url):
    node.stop()
    with psycopg.connect(postgres_url.replace("/verbund?", f"/{DATABASE}?")) as connection:
        connection.execute("update alembic_version set version_num = '2026_11_22_0001'")
    node.start()
    assert node._process.wait(WAIT_S) == 1
    log = node.log_file.read_text()
    assert "run `verbund migrate`" in log
    assert "Traceback" not in log
