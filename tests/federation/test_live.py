"""Observations are told as they arrive, under the same rules as queries: none is lost, none comes twice."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import orjson
import pytest
from websockets.asyncio.client import connect

from federation.grants import ASSERTION_TYPE, client_assertion
from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key, load_signing_key
from node.auth.revocation import allow_foreign, client_subject, end_tokens, refuse_foreign
from node.settings import FILE_NAME, load_settings
from node.store.engine import make_engine
from policy.model import Tier
from tests.assessed import revoke, set_tier
from tests.conftest import REPOSITORY, TEMPLATE
from tests.federation.cities import APP, Federation, Replica, Town, free_port
from tests.federation.follower import OBSERVATIONS, Network, follow

OPEN, SHARED = "giessen:datastream:rad-ein", "giessen:datastream:kfz-ein"
HOME = "offenbach:datastream:rad-ein"
POLL = """query ($d: [ID!]!, $after: String) { newObservations(datastreams: $d, after: $after, waitMs: 1000) {
  nodes { result } cursor missed federation { cities { city state } } } }"""
STEP = '{ observations(filter: {datastreams: ["%s"]}, during: %s) { nodes { result } } }'
LARGE = OBSERVATIONS.replace(
    "datastream { id }", "datastream { id name thing { name description location { place } } dataset { title } %s }"
)


@pytest.fixture(scope="module")
def formed(postgres_url, tmp_path_factory):
    """Offenbach and Gießen, which has two replicas on one database."""
    formed = Federation(tmp_path_factory.mktemp("live"))
    for city in ("giessen", "offenbach"):
        formed.add(city, postgres_url, TEMPLATE)
    formed.sign()
    formed.agree("giessen", "offenbach")
    formed.start()
    yield formed
    formed.stop()


@pytest.fixture(scope="module")
def home(formed) -> Town:
    return formed["offenbach"]


@pytest.fixture(scope="module")
def owner(formed) -> Town:
    return formed["giessen"]


@pytest.fixture(scope="module")
def network(owner) -> Network:
    return Network(owner)


@pytest.fixture(scope="module")
def replica(owner):
    """A second process of Gießen, at another port."""
    second = owner.settings.home.with_name("giessen-2")
    shutil.copytree(owner.settings.home, second)
    file = second / FILE_NAME
    file.write_text(re.sub(r"(?m)^port = \d+", f"port = {free_port()}", file.read_text()))
    process = Replica(load_settings(second, environment={}))
    process.start()
    process.wait_ready()
    yield process
    process.kill()


async def polled(town, after, datastreams=(OPEN,), token=None) -> dict:
    return (await town.ask(POLL, token, {"d": list(datastreams), "after": after})).data["newObservations"]


async def test_what_arrives_is_polled_here_and_at_another_node(home, owner, network):
    start = (await polled(owner, None))["cursor"]
    told = await network.tell(3)
    for town in (owner, home):
        batch = await polled(town, start)
        assert [node["result"] for node in batch["nodes"]] == told
        assert batch["federation"]["cities"] == [{"city": "giessen", "state": "OK"}]
        assert (await polled(town, batch["cursor"]))["nodes"] == [], "waits in vain"


async def test_a_subscription_tells_what_arrives_and_goes_on_from_a_cursor(owner, network):
    async with follow(owner, [OPEN]) as stream:
        first = await stream.batch()
        assert (first["nodes"], first["missed"], first["federation"]["complete"]) == ([], False, True)
        told = await network.tell(2)
        assert await stream.results(2) == told
        assert await network.tell() == await stream.results(1)
    missed = await network.tell(2_500)
    async with follow(owner, [OPEN], after=stream.cursor) as stream:
        assert sorted(await stream.results(2_500)) == missed, "in batches, nothing twice"


async def test_what_is_sent_again_is_told_once_and_a_correction_is_told(owner, network):
    async with follow(owner, [OPEN]) as stream:
        await stream.batch()
        told = await network.tell(2)
        assert await stream.results(2) == told
        network.sent -= 2
        await network.tell(2)
        (corrected,) = owner.sql(
            "select d.id, max(o.phenomenon_time) from datastream d join observation o on o.datastream_id = d.id"
            " where d.key = 'rad-ein' group by d.id"
        )
        await network.correct(corrected[1], -7.0)
        assert await stream.results(1) == [-7.0]


async def test_two_cities_are_followed_at_once_each_batch_recorded_on_both_sides(home, owner, network):
    here = Network(home)
    async with follow(home, [HOME, SHARED], await home.token()) as stream:
        while not (batch := await stream.batch())["federation"]["complete"]:
            pass
        told = [*await network.tell(2, "kfz-ein"), *await here.tell(2)]
        assert sorted(await stream.results(4)) == sorted(told)
    at_owner = [r for r in owner.records(batch["trace"]) if r["rows"]]
    assert sum(r["rows"] for r in at_owner) == 2
    assert {(r["decision"], r["caller_city"], tuple(r["datasets"])) for r in at_owner} == {
        ("PERMIT", "offenbach", ("giessen:dataset:kfz",))
    }
    at_home = [r for r in home.records(batch["trace"]) if r["rows"]]
    assert sorted((r["role"], r["counterpart"]) for r in at_home) == [("CONSUMER", "giessen"), ("OWNER", None)]
    assert [r["response_digest"] for r in at_home if r["role"] == "CONSUMER"] == [
        r["response_digest"] for r in at_owner
    ]
    assert all(r["receipt"] for r in at_home if r["role"] == "CONSUMER")
    idle = [r for r in owner.records(batch["trace"]) if not r["rows"]]
    assert len(idle) == 1, "the beginning is recorded, waiting in vain is not"


async def test_going_on_where_nothing_is_new_leaves_no_record_at_either_side(home, owner, network):
    async with follow(home, [OPEN]) as stream:
        assert (await stream.batch())["federation"]["complete"]
    async with follow(home, [OPEN], after=stream.cursor) as stream:
        batch = await stream.batch()
        assert (batch["nodes"], batch["federation"]["complete"]) == ([], True)
    assert (home.records(batch["trace"]), owner.records(batch["trace"])) == ([], [])


async def becomes(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 - asked as an operator would
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "what", ['datasets(cities: ["giessen"]) { nodes { id } }', 'datastream(id: "%s") { id }' % OPEN]
)
async def test_who_leaves_before_the_answer_has_asked_all_the_same(home, owner, what):
    trace = secrets.token_hex(16)
    body = orjson.dumps({"query": f"{{ {what} }}"})
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    headers["traceparent"] = f"00-{trace}-{'1' * 16}-01"
    asked = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with owner.locked("datastream, dataset"):
        async with (
            aiohttp.ClientSession() as session,
            session.post(home.settings.graphql_url, data=body, headers=headers) as response,
        ):
            assert response.status == 200
            await becomes(lambda: owner.sql(asked) != [(0,)])
    await becomes(lambda: bool(home.records(trace) and owner.records(trace)))
    (here,), (there,) = home.records(trace), owner.records(trace)
    assert (here["role"], here["counterpart"], here["state"], here["rows"]) == ("CONSUMER", "giessen", "TIMEOUT", 0)
    assert there["role"] == "OWNER"


async def test_a_city_that_goes_away_and_comes_back_has_lost_nothing(home, owner, network):
    async with follow(home, [OPEN, HOME]) as stream:
        await stream.state("giessen", "OK")
        await network.tell(2)
        told = await stream.results(2)
        owner.process.kill()
        assert not (await stream.state("giessen", "UNREACHABLE"))["federation"]["complete"]
        owner.process.start()
        owner.process.wait_ready()
        more = await network.tell(3)
        assert await stream.results(3) == more
        assert set(told).isdisjoint(more)


async def test_a_client_goes_on_after_its_node_was_stopped(home, owner, network):
    async with follow(home, [OPEN]) as stream:
        await stream.state("giessen", "OK")
        told = await network.tell(2)
        assert await stream.results(2) == told
        home.process.stop()
        assert await stream.end() == "broken", "it is not complete"
    more = await network.tell(2)
    home.process.start()
    home.process.wait_ready()
    for town in (home, owner):
        async with follow(town, [OPEN], after=stream.cursor) as again:
            assert await again.results(2) == more


async def test_replicas_tell_what_comes_in_at_the_other(owner, replica, network):
    async with follow(owner, [OPEN]) as one, follow(owner, [OPEN], url=f"{replica.url}/graphql") as two:
        await one.batch()
        await two.batch()
        told = await network.tell(5)
        assert await one.results(5) == await two.results(5) == told


async def test_who_takes_nothing_holds_up_only_itself_and_gets_all(owner, network):
    document = LARGE % "description"
    owner.sql("update thing set description = repeat('x', 2000)")
    async with follow(owner, [OPEN]) as quick, follow(owner, [OPEN], document=document, is_slow=True) as slow:
        trace = (await slow.batch())["trace"]
        await quick.batch()
        told = [result for _ in range(20) for result in await network.tell(1_000)]
        assert sorted(await quick.results(20_000)) == told
        records = len(owner.records(trace))
        assert records < 16, "what is not taken is not read"
        assert sorted(await slow.results(20_000)) == told


async def test_obligations_are_kept_by_being_late(home, owner, network):
    """Steps are told whole, as queries see them, once their delay has passed; what came meanwhile is not lost."""
    owner.sql("update datastream set interval_seconds = 1 where key = 'rad-ein'")
    set_tier(owner.database_url, "rad", Tier.OPEN, ("time=PT1H", "delay=3"))
    async with follow(home, [OPEN]) as stream:
        await stream.state("giessen", "OK")
        await network.tell(4)
        (node,) = (await stream.filled())["nodes"]
        start = network.first.replace(minute=0, second=0)
        during = f'{{start: "{start.isoformat()}", end: "{(start + timedelta(hours=1)).isoformat()}"}}'
        asked = await owner.ask(STEP % (OPEN, during))
        assert [node["result"]] == [one["result"] for one in asked.data["observations"]["nodes"]]
        assert node["phenomenonTime"] == start.isoformat()
        now = datetime.now(UTC)
        await network.correct(now, 5.0)
        assert (await polled(owner, stream.cursor))["nodes"] == [], "the hour is not over"
        cursor = stream.cursor
    set_tier(owner.database_url, "rad", Tier.OPEN, ("delay=3",))
    async with follow(owner, [OPEN], after=cursor) as stream:
        assert await stream.results(1) == [5.0]
        assert (datetime.now(UTC) - now).total_seconds() >= 3
    set_tier(owner.database_url, "rad", Tier.OPEN)


async def test_a_tier_that_is_taken_back_ends_the_stream_at_both_nodes(home, owner, network):
    async with follow(owner, [OPEN]) as here, follow(home, [OPEN, HOME]) as there:
        await here.batch()
        await there.state("giessen", "OK")
        set_tier(owner.database_url, "rad", Tier.INTERNAL)
        await network.tell(1)
        for stream in (here, there):
            batch = await stream.state("giessen", "DENIED")
            assert batch["nodes"] == []
        assert await here.end() == "complete", "nothing is left"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await there.batch()  # Offenbach goes on
    set_tier(owner.database_url, "rad", Tier.OPEN)


async def test_a_revoked_agreement_ends_the_stream_while_nothing_arrives(formed, home, owner):
    formed.agree("giessen", "offenbach", id_="kurz", purposes=("research",))
    async with follow(home, [SHARED], await home.token(purpose="research")) as stream:
        await stream.state("giessen", "OK")
        revoke(owner.database_url, "kurz")
        await stream.state("giessen", "DENIED")
        assert await stream.end() == "complete"


async def test_an_application_that_the_owner_refuses_gets_nothing_more(home, owner, network):
    engine = make_engine(owner.database_url)
    async with follow(home, [SHARED], await home.token()) as stream:
        await stream.state("giessen", "OK")
        refuse_foreign(engine, f"offenbach/{APP}")
        await network.tell(1, "kfz-ein")
        batch = await stream.state("giessen", "DENIED")
        assert batch["nodes"] == []
        assert await stream.end() == "complete"
    allow_foreign(engine, f"offenbach/{APP}")
    engine.dispose()


async def test_what_the_caller_may_not_see_is_not_found_like_what_is_not_there(owner):
    for id_ in (SHARED, "giessen:datastream:nichts", "nirgends:datastream:rad-ein"):
        async with follow(owner, [id_]) as stream:
            assert await stream.end() == "NOT_FOUND"


async def revoke_at(replica: Replica, town: Town, token: str) -> None:
    """The application gives its token back at this replica (RFC 7009)."""
    assertion = client_assertion(
        APP, town.settings.issuer, load_signing_key(town.keys / f"{APP}.pem"), int(time.time())
    )
    form = {"token": token, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    async with aiohttp.ClientSession() as session, session.post(f"{replica.url}/oauth/revoke", data=form) as answer:
        assert answer.status == 200, await answer.text()


async def test_what_is_revoked_at_one_replica_ends_streams_at_the_other(formed, home, owner, replica):
    """While nothing arrives: a token of the city's own application, and an agreement with another city."""
    formed.agree("giessen", "offenbach", id_="lang", purposes=("research",))
    access = await owner.token()
    async with (
        follow(owner, [OPEN], access) as own,
        follow(owner, [OPEN]) as anyone,
        follow(home, [SHARED], await home.token(purpose="research")) as far,
    ):
        await own.batch()
        await anyone.batch()
        await far.state("giessen", "OK")
        await revoke_at(replica, owner, access.token)
        assert await own.end() == "UNAUTHENTICATED"
        command = [
            sys.executable,
            "-m",
            "node.cli",
            "--home",
            str(replica.settings.home),
            "agreement",
            "revoke",
            "lang",
        ]
        await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
        await far.state("giessen", "DENIED")
        assert await far.end() == "complete"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anyone.batch()


async def test_revoked_tokens_end_their_streams(home):
    engine = make_engine(home.database_url)
    key = create_signing_key(home.keys / "kurz.pem")
    add_application(engine, Application("kurz", "Kurz", public_jwks(key), ("data:read",), ("research",)))
    async with follow(home, [HOME], await home.token("kurz", "research")) as stream, follow(home, [HOME]) as other:
        await stream.batch()
        await other.batch()
        with engine.begin() as connection:
            end_tokens(connection, client_subject("kurz"))
        assert await stream.end() == "UNAUTHENTICATED"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await other.batch()
    engine.dispose()


async def test_too_many_and_nonsense_are_refused(owner):
    async with follow(owner, [OPEN], after="nonsense") as stream:
        assert await stream.end() == "BAD_INPUT"
    async with follow(owner, [f"giessen:datastream:{n}" for n in range(101)]) as stream:
        assert await stream.end() == "BAD_INPUT"
    answer = await owner.ask(OBSERVATIONS, variables={"datastreams": [OPEN]})
    assert answer.code == "BAD_REQUEST"
    assert "text/event-stream" in answer.body["errors"][0]["extensions"]["hint"]


async def test_the_examples_of_the_page_work(owner, network):
    page = (REPOSITORY / "docs" / "live.md").read_text(encoding="utf-8")
    subscription, poll = re.findall(r"```graphql\n(.*?)```", page, re.DOTALL)
    subscription = re.sub(r"\[\"giessen.*?\]", f'["{OPEN}"]', subscription)
    posted = orjson.loads(re.search(r"-d '(.*?)'\n", page, re.DOTALL)[1])
    cursor = (await polled(owner, None))["cursor"]
    (told,) = await network.tell(1)
    for document in (subscription, posted["query"]):
        async with follow(owner, [OPEN], document=document, after=cursor) as stream:
            batch = (await stream.result())["data"]["observations"]
            assert [node["result"] for node in batch["nodes"]] == ([told] if document is subscription else [])
    answer = await owner.ask(poll.replace("…", cursor))
    assert [node["result"] for node in answer.data["newObservations"]["nodes"]] == [told]


async def test_cursors_older_than_what_is_kept_say_so(owner, network):
    async with follow(owner, [OPEN]) as stream:
        old = (await stream.batch())["cursor"]
    await network.tell(1)
    owner.sql("update arrival_horizon set until = (select max(id) from arrival)")
    owner.sql("delete from arrival")
    async with follow(owner, [OPEN], after=old) as stream:
        assert (await stream.batch())["missed"]
        told = await network.tell(1)
        assert await stream.results(1) == told


def sockets(town: Town):
    return connect(town.settings.graphql_url.replace("http", "ws"), subprotocols=["graphql-transport-ws"])


async def said(socket) -> dict:
    async with asyncio.timeout(20):
        return orjson.loads(await socket.recv())


async def test_the_same_over_web_socket(home, network):
    access = await home.token()
    async with sockets(home) as socket:
        headers = access.headers("GET", home.settings.graphql_url)
        init = {"authorization": headers["Authorization"], "dpop": headers["DPoP"]}
        await socket.send(orjson.dumps({"type": "connection_init", "payload": init}).decode())
        assert await said(socket) == {"type": "connection_ack"}
        question = {"query": OBSERVATIONS, "variables": {"datastreams": [SHARED]}}
        await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": question}).decode())
        first = (await said(socket))["payload"]["data"]["o"]
        assert first["federation"]["cities"][0]["state"] == "OK"
        (told,) = await network.tell(1, "kfz-ein")
        message = await said(socket)
        assert (message["id"], message["type"]) == ("1", "next")
        assert [node["result"] for node in message["payload"]["data"]["o"]["nodes"]] == [told]
        query = {"id": "2", "type": "subscribe", "payload": {"query": "{ node { city { id } } }"}}
        await socket.send(orjson.dumps(query).decode())
        assert (await said(socket))["payload"]["data"] == {"node": {"city": {"id": "offenbach"}}}
        assert await said(socket) == {"id": "2", "type": "complete"}
        await socket.send('{"id": "3", "type": "subscribe", "payload": {"query": "{ nothing }"}}')
        refused = await said(socket)
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "INVALID")
        await socket.send('{"id": "1", "type": "complete"}')
        await socket.send('{"type": "ping"}')
        assert await said(socket) == {"type": "pong"}
