"""A node with its own PostgreSQL: from nothing to an answer, and again after the database was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import psutil
import pytest

from node.demo.processes import NodeProcess
from node.setup import NodePlan, create_node
from node.store.embedded import embedded_postgres
from tests.federation.cities import Town, free_port


@pytest.fixture
def town(tmp_path_factory):
    directory = tmp_path_factory.mktemp("e")
    port = free_port()
    settings = create_node(
        directory / "n", NodePlan("marburg", "Marburg", f"http://127.0.0.1:{port}", port=port, unsafe_plain_http=True)
    )
    with embedded_postgres(settings.postgres_directory) as url:
        town = Town(settings, url, directory)
    town.process = NodeProcess(settings)
    town.process.start()
    town.process.wait_ready()
    yield town
    town.process.stop()


async def test_a_killed_database_comes_back_by_itself(town):
    document = "{ datasets { nodes { id } federation { complete cities { city state } } } }"
    answer = await town.ask(document)
    assert answer.data["datasets"]["federation"] == {"complete": True, "cities": [{"city": "marburg", "state": "OK"}]}
    pid = int((town.settings.postgres_directory / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    broken = await town.ask(document)
    # a session outlives its killed server for a moment: then the answer is right, else there is none
    assert (broken.status, broken.body.get("data")) in [(503, None), (200, answer.data)]
    ends = time.monotonic() + 30
    # readiness may be told by a session that has not noticed yet: what counts is the answer
    while (again := await town.ask(document)).status == 503 and time.monotonic() < ends:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    assert again.data == answer.data


def test_nothing_is_left_behind(town):
    pid = int((town.settings.postgres_directory / "postmaster.pid").read_text().splitlines()[0])
    town.process.stop()
    ends = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < ends, "the database outlives its node"
        time.sleep(0.1)
