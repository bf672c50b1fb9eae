"""Two replicas of a city on one database behave as one, also while one of them is replaced or killed."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import subprocess
import sys
from functools import partial

import aiohttp
import orjson
import psycopg
import pytest

from node.settings import FILE_NAME, load_settings
from node.store.migrate import LOCK_TIMEOUT_MS, _revisions, head_revision, usable_schema, with_little_patience
from node.store.reading_role import secure_reading
from policy.model import Tier
from tests.assessed import set_tier
from tests.conftest import TEMPLATE
from tests.federation.cities import APP, Federation, Replica, free_port

KFZ = '{ datastreams(filter: {vehicleClasses: ["CAR"]}, cities: ["giessen"]) { nodes { id } } }'
PAGE = "{ datasets(first: 4, after: %s) { nodes { id } pageInfo { endCursor hasNextPage } } }"
OWN = '{ datasets(first: 3, cities: ["giessen"]) { nodes { id } } }'


@pytest.fixture(scope="module")
def formed(postgres_url, tmp_path_factory):
    formed = Federation(tmp_path_factory.mktemp("replicas"))
    formed.add("giessen", postgres_url, TEMPLATE)
    formed.sign()
    yield formed
    formed.stop()


@pytest.fixture(scope="module")
def replicas(formed):
    """The first listens at the issuer's address."""
    town = formed["giessen"]
    second = town.settings.home.with_name("giessen-2")
    shutil.copytree(town.settings.home, second)
    file = second / FILE_NAME
    file.write_text(re.sub(r"(?m)^port = \d+", f"port = {free_port()}", file.read_text()))
    made = [Replica(town.settings), Replica(load_settings(second, environment={}))]
    for replica in made:
        replica.start()
    for replica in made:
        replica.wait_ready()
    yield made
    for replica in made:
        replica.kill()


async def test_a_page_begun_here_goes_on_there(replicas):
    found, after = [], "null"
    for replica in itertools.cycle(replicas):
        page = (await replica.ask(PAGE % after)).data["datasets"]
        found += [node["id"] for node in page["nodes"]]
        after = f'"{page["pageInfo"]["endCursor"]}"'
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(found) == len(set(found)) == 16


async def test_a_token_holds_at_both_and_a_proof_once(formed, replicas):
    access = await formed["giessen"].token()
    body = orjson.dumps({"query": KFZ})
    headers = access.headers("POST", replicas[0].settings.graphql_url, body)
    first = await replicas[0].post(body, headers)
    assert first.data["datastreams"]["nodes"] == [{"id": "giessen:datastream:kfz-ein"}]
    again = await replicas[1].post(body, headers)
    assert again.status == 401, "what was used at one replica is used up at the other"
    assert (await replicas[1].ask(KFZ, access)).data == first.data


async def test_what_is_revoked_at_one_is_revoked_at_the_other_within_two_seconds(formed, replicas):
    town = formed["giessen"]
    accesses = [await town.token() for _ in replicas]

    async def verbund(*words: str) -> None:
        command = [sys.executable, "-m", "node.cli", "--home", str(town.settings.home), *words]
        await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)

    async def statuses() -> list[int]:
        return [(await replica.ask(KFZ, access)).status for replica, access in zip(replicas, accesses, strict=True)]

    assert await statuses() == [200, 200]
    await verbund("client", "suspend", APP)
    await asyncio.sleep(2)
    assert await statuses() == [401, 401]
    await verbund("client", "activate", APP)

    set_tier(town.database_url, "rad", Tier.INTERNAL)
    seen = [[node["id"] for node in (await replica.ask(OWN)).data["datasets"]["nodes"]] for replica in replicas]
    assert not [key for keys in seen for key in keys if key.endswith(":rad")], "a tier holds from the next query on"
    set_tier(town.database_url, "rad", Tier.OPEN)


class Gateway:
    """Sends requests to the replicas that take some, as a gateway does: it is told before one is stopped."""

    def __init__(self, replicas: list[Replica]) -> None:
        self.serving = list(replicas)
        self.answered: list[str] = []
        self.failed: list[object] = []
        self._ended = asyncio.Event()

    async def keep_asking(self) -> None:
        turn = itertools.count()
        async with aiohttp.ClientSession() as session:
            while not self._ended.is_set():
                replica = self.serving[next(turn) % len(self.serving)]
                try:
                    async with session.post(f"{replica.url}/graphql", json={"query": OWN}) as response:
                        body = await response.json()
                except aiohttp.ClientError as error:
                    self.failed.append((replica, error))
                    continue
                if response.status == 200 and len(body["data"]["datasets"]["nodes"]) == 3:
                    self.answered.append(body["extensions"]["traceId"])
                else:
                    self.failed.append((replica, body))

    def end(self) -> None:
        self._ended.set()


def recorded(formed, traces) -> set[str]:
    with psycopg.connect(formed["giessen"].database_url) as connection:
        rows = connection.execute("select trace_id from access_record where trace_id = any(%s)", (list(traces),))
        return {row[0] for row in rows}


async def under_load(replicas, disturb) -> Gateway:
    gateway = Gateway(replicas)
    asking = [asyncio.create_task(gateway.keep_asking()) for _ in range(4)]
    await disturb(gateway)
    gateway.end()
    await asyncio.gather(*asking)
    return gateway


async def test_replacing_one_after_the_other_fails_no_request(formed, replicas):
    async def replace(gateway: Gateway) -> None:
        for replica in replicas:
            gateway.serving.remove(replica)
            replica.ask_to_stop()  # with requests of the gateway under way: they are finished
            await asyncio.to_thread(replica.stop)
            await asyncio.to_thread(replica.start)
            await asyncio.to_thread(replica.wait_ready)
            gateway.serving.append(replica)

    gateway = await under_load(replicas, replace)
    assert not gateway.failed
    assert gateway.answered
    assert recorded(formed, gateway.answered) == set(gateway.answered)


async def test_a_newer_version_migrates_while_the_older_one_serves(formed, replicas):
    """What a rolling upgrade does: the schema first, then one replica after the other."""

    def at(revision: str, change: str) -> None:
        for statement in (change, f"update alembic_version set version_num = '{revision}'", None):
            with_little_patience(partial(alone, statement, revision))

    def alone(statement: str | None, revision: str) -> None:
        with psycopg.connect(formed["giessen"].database_url) as connection:
            connection.execute(f"set local lock_timeout = {LOCK_TIMEOUT_MS}")
            if statement is None:
                secure_reading(connection, revision)
            else:
                connection.execute(statement)

    async def upgrade(gateway: Gateway) -> None:
        await asyncio.to_thread(at, "9999_01_01_9999", "alter table dataset add column of_tomorrow text")
        seen = len(gateway.answered)
        while len(gateway.answered) < seen + 20:  # noqa: ASYNC110 - the older version goes on
            await asyncio.sleep(0.05)
        assert all([await asyncio.to_thread(replica.is_ready) for replica in replicas])
        gateway.serving.remove(replicas[1])
        await asyncio.to_thread(replicas[1].stop)
        await asyncio.to_thread(replicas[1].start)  # as if rolled back: also the older version can start
        await asyncio.to_thread(replicas[1].wait_ready)
        gateway.serving.append(replicas[1])

    gateway = await under_load(replicas, upgrade)
    assert not gateway.failed
    assert recorded(formed, gateway.answered) == set(gateway.answered)


def test_an_older_schema_is_not_served():
    assert usable_schema(head_revision())
    assert usable_schema("9999_01_01_9999")
    assert not usable_schema(None)
    assert not usable_schema(min(_revisions()))


async def test_a_replica_that_is_killed_takes_no_record_of_an_answer_with_it(formed, replicas):
    async def kill(gateway: Gateway) -> None:
        while len(gateway.answered) < 20:  # noqa: ASYNC110 - until there is load
            await asyncio.sleep(0.05)
        await asyncio.to_thread(replicas[1].kill)
        gateway.serving.remove(replicas[1])
        seen = len(gateway.answered)
        while len(gateway.answered) < seen + 20:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    gateway = await under_load(replicas, kill)
    assert {replica for replica, _ in gateway.failed} <= {replicas[1]}
    assert recorded(formed, gateway.answered) == set(gateway.answered)
    replicas[1].start()
    await asyncio.to_thread(replicas[1].wait_ready)
