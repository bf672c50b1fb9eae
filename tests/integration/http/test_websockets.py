"""WebSockets of a real node's application on a real socket: whoever says nothing, takes nothing or has no rights left is told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from federation.jose import public_jwks
from node.app import create_app
from node.auth import access_tokens
from node.auth.applications import Application, add_application
from node.auth.callers import Callers
from node.auth.keys import create_signing_key
from node.auth.revocation import client_subject, end_tokens
from node.auth.token_client import obtain_token
from node.directory import NodeDirectory
from node.http import websocket, websocket_protocol
from node.http.live import LiveAnswers
from node.http.protocol import BoundedProtocol
from node.http.websocket_protocol import BoundedWebSocket
from node.ingest.observations import batches, finish_writing, write_batch
from node.settings import FILE_NAME, load_settings
from node.setup import NodePlan, create_node
from node.store.engine import make_engine
from node.store.reader import Reader
from tests.integration.store.conftest import SEED

DATASTREAM = "giessen:datastream:rad-ein"
SUBSCRIPTION = """subscription ($d: [ID!]!, $after: String) { observations(datastreams: $d, after: $after) {
  nodes { result } cursor } }"""
SCHEMA = "{ __schema { types { name description fields { name description args { name description } } } } }"
WAIT_S = 20


class Node:
    """What the tests need to know of it."""

    server: uvicorn.Server

    def __init__(self, url: str, database_url: str, keys) -> None:
        self.url = url
        self.database_url = database_url
        self._key = create_signing_key(keys / "app.pem")
        self.engine = make_engine(database_url)
        add_application(
            self.engine, Application("app", "A", public_jwks(self._key), ("data:read",), ("traffic-planning",))
        )

    async def init(self) -> dict:
        """A payload of `connection_init` with a new token."""
        access = await obtain_token(self.url, "app", self._key, "traffic-planning", "data:read")
        headers = access.headers("GET", f"{self.url}/graphql")
        return {"authorization": headers["Authorization"], "dpop": headers["DPoP"]}

    def socket(self, **options):
        return connect(f"{self.url.replace('http', 'ws')}/graphql", subprotocols=["graphql-transport-ws"], **options)

    @contextlib.asynccontextmanager
    async def greeted(self, payload: dict | None = None, **options):
        async with self.socket(**options) as opened:
            await say(opened, type="connection_init", payload=payload or {})
            assert (await heard(opened))["type"] == "connection_ack"
            yield opened


@pytest.fixture
async def node(database_url, tmp_path, monkeypatch):
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
    with socket.socket() as listening, contextlib.suppress(asyncio.CancelledError):
        listening.bind(("127.0.0.1", 0))
        url, home = f"http://127.0.0.1:{listening.getsockname()[1]}", tmp_path / "node"
        create_node(home, NodePlan("giessen", "Gießen", url, database_url=database_url, unsafe_plain_http=True))
        with (home / FILE_NAME).open("a") as file:
            file.write("\n[limits]\nsubscriptions_per_caller = 2\n")
        settings = load_settings(home, environment={})
        config = uvicorn.Config(
            create_app(settings),
            interface="asgi3",
            http=BoundedProtocol,
            ws=BoundedWebSocket,
            ws_max_size=settings.limits.body_bytes,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve([listening]))
        while not server.started:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
        made = Node(url, database_url, tmp_path)
        made.server = server
        yield made
        made.engine.dispose()
        server.should_exit = server.force_exit = True
        await serving


async def say(opened, **message) -> None:
    await opened.send(orjson.dumps(message).decode())


async def heard(opened) -> dict:
    async with asyncio.timeout(WAIT_S):
        return orjson.loads(await opened.recv())


async def subscribe(opened, id_: str = "1", **variables) -> None:
    payload = {"query": SUBSCRIPTION, "variables": {"d": [DATASTREAM], **variables}}
    await say(opened, id=id_, type="subscribe", payload=payload)


async def closed(opened) -> tuple[int, str]:
    """The close code and reason, whatever comes before it."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await heard(opened)
    return opened.close_code, opened.close_reason


def tell(node: Node, result: float) -> None:
    """An observation of a minute ago is stored."""
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    with psycopg.connect(node.database_url, options="-c TimeZone=UTC") as connection:
        (batch,) = batches([(1, at, None, result, "RAW")])
        write_batch(connection, batch)
        finish_writing(connection, batch.datastreams)


async def test_whoever_says_nothing_at_the_beginning_is_told(node, monkeypatch):
    monkeypatch.setattr(websocket, "INIT_S", 0.2)
    async with node.socket() as opened:
        assert await closed(opened) == (4408, "connection_init did not come in time")


async def test_a_connection_without_an_operation_is_closed_and_one_with_an_operation_is_not(node, monkeypatch):
    monkeypatch.setattr(websocket, "IDLE_S", 0.3)
    async with node.greeted() as idle, node.greeted() as busy:
        await subscribe(busy)
        await heard(busy)
        assert await closed(idle) == (1000, "no operation for a while")
        await say(busy, type="ping")
        assert await heard(busy) == {"type": "pong"}
        await say(busy, id="1", type="complete")
        assert await closed(busy) == (1000, "no operation for a while")


async def test_too_many_subscriptions_are_refused_and_those_that_are_there_go_on(node):
    async with node.greeted() as one, node.greeted() as two:
        await subscribe(one, "a")
        assert "data" in (await heard(one))["payload"]
        await subscribe(two, "b")
        assert (await heard(two))["payload"]["data"]
        await subscribe(two, "c")
        refused = await heard(two)
        assert refused["payload"]["errors"][0]["extensions"]["code"] == "TOO_MANY"
        assert await heard(two) == {"id": "c", "type": "complete"}
        await say(one, id="a", type="complete")
        await say(one, type="ping")
        assert await heard(one) == {"type": "pong"}
        await subscribe(two, "c")
        assert (await heard(two))["payload"]["data"], "there is room again"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ('{"type": "connection_init", "payload": {"authorization": "DPoP x"}}', 4403),
        ('{"type": "connection_init", "payload": {"authorization": "Bearer x"}}', 4403),
        ('{"id": "1", "type": "subscribe", "payload": {"query": "{ node { time } }"}}', 4401),
        ('{"type": "connection_init"', 4400),
        ("x" * 200_000, 1009),
    ],
)
async def test_what_is_not_to_be_sent_closes_the_connection_with_a_code(node, payload, code):
    async with node.socket() as opened:
        await opened.send(payload)
        assert (await closed(opened))[0] == code


async def test_what_is_not_to_be_sent_twice(node):
    async with node.greeted() as opened:
        await say(opened, type="connection_init")
        assert (await closed(opened))[0] == 4429
    async with node.greeted() as opened:
        await subscribe(opened)
        await subscribe(opened)
        assert (await closed(opened))[0] == 4409


async def test_the_protocol_must_be_spoken(node):
    async with connect(f"{node.url.replace('http', 'ws')}/graphql") as opened:
        assert (await closed(opened))[0] == 4406


def stalled():
    """A socket with little room, so that what is not read soon stands still."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    return made


async def ask_much(opened) -> None:
    for number in range(60):
        await say(opened, id=str(number), type="subscribe", payload={"query": SCHEMA})


async def test_who_takes_nothing_is_told_and_then_left(node, monkeypatch):
    """As soon as it reads on, it finds why; if it never does, nothing is kept for it."""
    monkeypatch.setattr(websocket_protocol, "TAKE_S", 0.5)
    given_up = asyncio.Event()
    too_slow = BoundedWebSocket._too_slow

    def noticed(self):
        too_slow(self)
        given_up.set()

    monkeypatch.setattr(BoundedWebSocket, "_too_slow", noticed)
    late = stalled()
    late.connect(("127.0.0.1", int(node.url.rpartition(":")[2])))
    late.setblocking(False)
    async with node.greeted(sock=late, max_queue=1) as opened:
        await ask_much(opened)
        async with asyncio.timeout(WAIT_S):
            await given_up.wait()  # it reads nothing meanwhile: its queue is full
        assert await closed(opened) == (4504, websocket_protocol.REASON)


async def test_who_never_reads_again_is_left(node, monkeypatch):
    monkeypatch.setattr(websocket_protocol, "TAKE_S", 0.3)
    monkeypatch.setattr(websocket_protocol, "LEAVE_S", 0.3)
    lost = asyncio.Event()
    over = BoundedWebSocket.connection_lost

    def connection_lost(self, exc):
        over(self, exc)
        lost.set()

    monkeypatch.setattr(BoundedWebSocket, "connection_lost", connection_lost)
    gone = stalled()
    gone.connect(("127.0.0.1", int(node.url.rpartition(":")[2])))
    gone.setblocking(False)
    async with node.greeted(sock=gone, max_queue=1, close_timeout=0.1) as opened:
        await ask_much(opened)
        async with asyncio.timeout(WAIT_S):
            await lost.wait()


async def test_a_connection_ends_with_its_token_and_the_next_one_goes_on_from_the_cursor(node, monkeypatch):
    monkeypatch.setattr(access_tokens, "LIFETIME_S", 3)
    payload = await node.init()
    began = time.monotonic()
    async with node.greeted(payload) as opened:
        await subscribe(opened)
        cursor = (await heard(opened))["payload"]["data"]["observations"]["cursor"]
        with pytest.raises(ConnectionClosed):
            await heard(opened)  # no error: clients would end the subscription instead of coming again
        code, reason = opened.close_code, opened.close_reason
        assert (code, reason.startswith("the token is not accepted")) == (4403, True)
        assert time.monotonic() - began > 1, "not at once"
    monkeypatch.undo()
    tell(node, -5.0)
    async with node.greeted(await node.init()) as opened:
        await subscribe(opened, after=cursor)
        batch = (await heard(opened))["payload"]["data"]["observations"]
        assert [one["result"] for one in batch["nodes"]] == [-5.0]


async def test_a_revoked_token_ends_its_connection(node):
    async with node.greeted(await node.init()) as opened, node.greeted() as other:
        await subscribe(opened)
        await subscribe(other)
        await heard(opened)
        await heard(other)
        with node.engine.begin() as connection:
            end_tokens(connection, client_subject("app"))
        assert (await closed(opened))[0] == 4403
        await say(other, type="ping")
        assert await heard(other) == {"type": "pong"}


async def test_whoever_is_connected_when_the_node_is_stopped_is_told_to_come_again(node):
    async with node.greeted() as opened:
        await subscribe(opened)
        await heard(opened)
        node.server.should_exit = True
        assert (await closed(opened))[0] == 1012


async def test_who_asks_while_tokens_can_t_be_checked_is_told_to_come_again(node):
    async with node.greeted(await node.init()) as opened:
        with psycopg.connect(node.database_url) as connection:
            connection.execute("alter table revocation rename to away")
            connection.commit()
            await subscribe(opened)
            code, _ = await closed(opened)
            connection.execute("alter table away rename to revocation")
        assert code == 1013


def broken(error: Exception):
    def fail(*_: object, **__: object):
        raise error

    return fail


async def failed(opened) -> bool:
    """Whether it is closed as failed, without a word of why."""
    return await closed(opened) == (1011, "this node has failed")


async def test_a_fault_of_this_node_closes_the_connection_it_concerns(node, monkeypatch, caplog):
    async with node.greeted() as other:
        for place, error in (
            ("begin", RuntimeError("geheim")),
            ("begin", ConnectionResetError("geheim")),  # of a peer, say: not of this client
            ("_answers", RuntimeError("geheim")),
        ):
            async with node.greeted() as opened:
                with monkeypatch.context() as patch:
                    patch.setattr(LiveAnswers, place, broken(error))
                    await subscribe(opened)
                    assert await failed(opened)
        for method in ("claimed", "confirm"):
            payload = await node.init()
            async with node.socket() as opened:
                with monkeypatch.context() as patch:
                    patch.setattr(Callers, method, broken(RuntimeError("geheim")))
                    await say(opened, type="connection_init", payload=payload)
                    assert await failed(opened)
        assert sum(record.message == "a connection failed" for record in caplog.records) == 5
        await subscribe(other)
        assert (await heard(other))["payload"]["data"], "nobody else is concerned"


async def test_an_operation_that_fails_is_told_and_the_connection_stays(node, monkeypatch):
    async with node.greeted() as opened:
        with monkeypatch.context() as patch:
            patch.setattr(NodeDirectory, "node", broken(RuntimeError("geheim")))
            await say(opened, id="1", type="subscribe", payload={"query": "{ node { time } }"})
            told = await heard(opened)
            assert told["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
            assert "geheim" not in str(told)
            assert await heard(opened) == {"id": "1", "type": "complete"}
            patch.setattr(Reader, "arrivals", broken(RuntimeError("geheim")))
            await subscribe(opened, "2")
            told = await heard(opened)
            assert told["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
            assert "geheim" not in str(told)
            assert await heard(opened) == {"id": "2", "type": "complete"}
        await subscribe(opened, "2")
        assert (await heard(opened))["payload"]["data"]
