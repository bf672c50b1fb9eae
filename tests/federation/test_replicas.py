"""Two replicas of a city on one database behave as one, also while one of them is replaced or killed."""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

import aiohttp
import orjson
import psycopg
import pytest

from federation.jose import public_jwks
from node.audit.sequencer import SEQUENCING
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.ingest.runs import ingest_connection
from node.settings import FILE_NAME, load_settings
from node.store.engine import make_engine
from node.store.migrate import LOCK_TIMEOUT_MS, with_little_patience
from node.store.reading_role import secure_reading
from node.store.revisions import head_revision, revisions, usable_schema
from policy.model import Tier
from tests.assessed import set_tier
from tests.conftest import TEMPLATE
from tests.federation.cities import APP, Answer, Federation, Replica, free_port

KFZ = '{ datastreams(filter: {vehicleClasses: ["CAR"]}, cities: ["giessen"]) { nodes { id } } }'
PAGE = "{ datasets(first: 4, after: %s) { nodes { id } pageInfo { endCursor hasNextPage } } }"
RECORD = "mutation ($series: [ObservationSeriesInput!]!) { recordObservations(series: $series) { accepted } }"
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
    assert not usable_schema(revisions()[0])


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


async def test_what_is_too_much_is_too_much_at_both(replicas):
    """Bounds are those of a request, so no replica has to know what another one has answered."""
    codes = [(await replica.ask("{ datasets(first: 100000) { nodes { id } } }")).code for replica in replicas]
    assert len(set(codes)) == 1


async def test_both_write_one_log_in_one_order(formed, replicas):
    """One of them gives records their places; each has one, none is missing, and the tree holds."""

    async def ask(gateway: Gateway) -> None:
        while len(gateway.answered) < 40:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    gateway = await under_load(replicas, ask)
    assert recorded(formed, gateway.answered) == set(gateway.answered)
    town = formed["giessen"]
    counted = "select (select count(*) from access_record), (select coalesce(sum(length), 0) from log_run)"
    async with asyncio.timeout(60):
        while len(set(town.sql(counted)[0])) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    holders = town.sql(
        "select count(distinct pid) from pg_locks join pg_database d on d.oid = database"
        " where locktype = 'advisory' and objid = %s and granted and datname = current_database()",
        (SEQUENCING,),
    )
    assert holders == [(1,)], "one sequencer, however many replicas"
    assert town.sql("select count(*) from (select position, lead(position) over (order by position) as next, length"
                    " from log_run) run where next <> position + length") == [(0,)]  # fmt: skip
    await verbund(formed, "audit", "fsck")


async def test_the_same_observations_at_both_are_stored_once(formed, replicas):
    town = formed["giessen"]
    key = create_signing_key(town.keys / "messnetz.pem")
    engine = make_engine(town.database_url)
    add_application(engine, Application("messnetz", "M", public_jwks(key), ("observations:write",), ("operations",)))
    engine.dispose()
    access = await town.token("messnetz", "operations")
    start = datetime(2026, 3, 1, tzinfo=UTC)
    times = [(start + i * timedelta(minutes=15)).isoformat() for i in range(50)]

    async def send(replica: Replica, order: int) -> int:
        series = {"datastream": "giessen:datastream:rad-ein", "times": times[::order], "results": [1.0] * len(times)}
        body = orjson.dumps({"query": RECORD, "variables": {"series": [series]}})
        answer = await replica.post(body, access.headers("POST", town.settings.graphql_url, body))
        return answer.data["recordObservations"]["accepted"]

    sent = await asyncio.gather(*(send(replica, order) for _ in range(5) for replica in replicas for order in (1, -1)))
    assert sent == [len(times)] * 20, "in whatever order: nobody waits for the other for ever"
    stored = town.sql("select count(*) from observation where phenomenon_time >= %s", (start,))
    assert stored == [(len(times),)]


async def test_an_import_beside_one_of_another_replica_is_told_to_wait(formed, replicas, tmp_path):
    file = tmp_path / "c.ttl"
    file.write_text("<https://c.example/1> a <http://www.w3.org/ns/dcat#Dataset> .", encoding="utf-8")
    command = [sys.executable, "-m", "node.cli", "--home", str(replicas[1].settings.home), "ingest", "dcat", str(file)]
    with ingest_connection(formed["giessen"].database_url):
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Another import is running" in done.stderr


async def test_who_has_signed_in_at_one_is_signed_in_at_the_other(formed, replicas):
    printed = await verbund(formed, "desk", "link", "Frau Beispiel")
    link = printed.strip().partition("?link=")[2]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        async with session.post(f"{replicas[0].url}/sign-in", data={"link": link}, headers=elsewhere) as response:
            assert (response.status, "Set-Cookie" in response.headers) == (403, False)
        async with session.post(f"{replicas[0].url}/sign-in", data={"link": link}, allow_redirects=False) as response:
            cookie = response.headers["Set-Cookie"].partition(";")[0]
        async with session.get(f"{replicas[1].url}/audit", headers={"Cookie": cookie}, allow_redirects=False) as page:
            assert page.status == 200
        never = {"from": "9999-12-31T23:59:59-12:00"}  # is no time in UTC
        url = f"{replicas[1].url}/audit/reconcile"
        async with session.get(url, params=never, headers={"Cookie": cookie}, allow_redirects=False) as page:
            assert page.status < 500
        async with session.post(f"{replicas[1].url}/sign-in", data={"link": link}, allow_redirects=False) as again:
            assert "Set-Cookie" not in again.headers, "a link is good once, wherever"


async def test_keys_are_rotated_under_load_without_a_failed_request(formed, replicas):
    """The new key is published first and signs later; what the old one has signed stays good."""
    town = formed["giessen"]
    failed: list[Answer] = []
    ended, asked = asyncio.Event(), 0

    async def ask(replica: Replica) -> None:
        nonlocal asked
        while not ended.is_set():
            access = await town.token()
            for _ in range(3):
                answer = await replica.ask(KFZ, access)
                asked += 1
                if answer.status != 200 or not answer.body["data"]["datastreams"]["nodes"]:
                    failed.append(answer)

    asking = [asyncio.create_task(ask(replica)) for replica in replicas]
    before = {path.name for path in (town.settings.home / "keys").glob("signing*.pem")}
    await verbund(formed, "key", "rotate", "--after", "4")
    [new] = {path for path in (town.settings.home / "keys").glob("signing*.pem") if path.name not in before}
    shutil.copy2(new, replicas[1].settings.home / "keys" / new.name)  # the secret that both mount has changed

    async def issued_by() -> str:
        return orjson.loads(base64.urlsafe_b64decode((await town.token()).token.partition(".")[0] + "=="))["kid"]

    first = await issued_by()
    async with asyncio.timeout(60):
        while await issued_by() == first:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    seen = asked
    async with asyncio.timeout(60):
        while asked < seen + 10:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    ended.set()
    await asyncio.gather(*asking)
    assert not failed


async def verbund(formed, *words: str) -> str:
    """What a command prints; it must succeed."""
    command = [sys.executable, "-m", "node.cli", "--home", str(formed["giessen"].settings.home), *words]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
