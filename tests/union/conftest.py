"""Nodes of several cities and the node of their union, over databases that hold one set of worlds at a time."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from federation import rounds
from federation.membership import Member
from node.store.pool import make_pool
from node.store.reading_role import ENTER
from node.store.sessions import Sessions
from tests.conftest import TEMPLATE
from tests.oracle.database import Database
from tests.oracle.world import World
from tests.union.nodes import Node
from tests.union.worlds import NODES, UNION, union_of

STATEMENT_MS = 10_000


class Federation:
    """The cities' nodes, the guest's, and the node of the union; their databases hold one set of worlds at a time."""

    def __init__(self, nodes: dict[str, Node], databases: dict[str, Database]) -> None:
        self.nodes = nodes
        self._databases = databases

    async def hold(self, worlds: dict[str, World]) -> None:
        for city, world in worlds.items():
            self._databases[city].hold(world)
        self._databases[UNION].hold(union_of(worlds))
        for city in NODES:
            await self.nodes[city].sum_up()


@pytest.fixture
async def united(postgres_url) -> AsyncIterator[Federation]:
    members = tuple(Member(city, city.title(), None, f"https://{city}.example", {}) for city in NODES)
    async with AsyncExitStack() as stack:
        nodes, databases = {}, {}
        for city in (*NODES, UNION):
            name = f"u_{city}_{uuid.uuid4().hex[:8]}"
            with psycopg.connect(postgres_url, autocommit=True) as connection:
                connection.execute(f"create database {name} template {TEMPLATE}")
            url = postgres_url.replace("/verbund?", f"/{name}?")
            pool = await stack.enter_async_context(make_pool(url, size=2, statement_ms=STATEMENT_MS))
            reading = await stack.enter_async_context(
                Sessions(url, size=2, statement_ms=STATEMENT_MS, name="read", on_open=[ENTER])
            )
            logging = await stack.enter_async_context(Sessions(url, size=1, statement_ms=STATEMENT_MS, name="log"))
            databases[city] = Database(stack.enter_context(psycopg.connect(url, autocommit=True)))
            known = (Member(UNION, "Alle", None, "https://alle.example", {}),) if city == UNION else members
            nodes[city] = Node(city, known, pool, reading, logging)
        for city in NODES:
            nodes[city].others = {other: nodes[other] for other in NODES if other != city}
        yield Federation(nodes, databases)


@pytest.fixture(autouse=True)
def asked_for_few(monkeypatch):
    """Owners are asked for some rows first and for the rest only if they can matter, as among many cities."""
    monkeypatch.setattr(rounds, "FEW_CITIES", 2)
    monkeypatch.setattr(rounds, "AT_LEAST", 1)
    monkeypatch.setattr(rounds, "TIMES", 1)
