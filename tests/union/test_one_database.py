"""What several cities answer together is what one database with all their data answers, from whichever node.

A thorough run: `pytest tests/union --worlds=0:500`.
"""

from __future__ import annotations

import math
import random
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
from policy.model import ANONYMOUS, Caller
from schema.histogram import ACCURACY
from tests.conftest import TEMPLATE
from tests.oracle.database import Database
from tests.oracle.world import World
from tests.union.nodes import Node
from tests.union.questions import Maker, Question
from tests.union.worlds import CITIES, UNION, in_union, made_up, union_of

GUEST = "offenbach"  # has no data, and agreements with the others
QUESTIONS = 8
STATEMENT_MS = 10_000
PURPOSES = ("traffic-planning", "research")
NODES = (*CITIES, GUEST)


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first, _, end = metafunc.config.getoption("--worlds").partition(":")
        metafunc.parametrize("seed", range(int(first), int(end)))


async def whole(node: Node, question: Question, caller: Caller, first: int = 1_000):
    """The answer; of a list all rows, page by page."""
    if not question.is_list:
        return await node.answer(question.document, question.variables, caller)
    rows, total, after = [], None, None
    while True:
        data, codes = await node.answer(
            question.document, {**question.variables, "first": first, "after": after}, caller
        )
        if codes:
            return None, codes
        page = data[question.root]
        rows += page["nodes"]
        total = page.get("totalCount")
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return {question.root: {"nodes": rows, "totalCount": total}}, []


def differ(one, other, place: str = "") -> str | None:
    """Where two answers differ. Numbers may by rounding, quantiles by what is told of them."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next((found for name in one if (found := differ(one[name], other[name], f"{place}.{name}"))), None)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next((found for n, (a, b) in pairs if (found := differ(a, b, f"{place}[{n}]"))), None)
    if isinstance(one, int | float) and isinstance(other, int | float):
        tolerance = 3 * ACCURACY if place.endswith(".q") else 1e-9
        return None if math.isclose(one, other, rel_tol=tolerance, abs_tol=1e-3) else f"{place}: {one} is not {other}"
    return None if one == other else f"{place}: {one!r} is not {other!r}"


async def test_several_cities_answer_as_one(united, seed):
    luck = random.Random(seed)
    maker = Maker(seed)
    await united.hold(made_up(seed))
    for _ in range(QUESTIONS):
        question = maker.question()
        guest = Caller(GUEST, luck.choice(("portal", "labor")), luck.choice(PURPOSES), frozenset({"data:read"}))
        caller, entries = luck.choice([(ANONYMOUS, luck.sample(NODES, 2)), (guest, [GUEST])])
        through = (
            caller if caller.is_anonymous else Caller(GUEST, caller.application, caller.purpose, caller.scopes, GUEST)
        )
        expected, codes = await whole(united.nodes[UNION], question, through)
        for entry in entries:
            first = luck.choice((1, 2, 3, 7, 50))
            found, told = await whole(united.nodes[entry], question, caller, first)
            assert told == codes == [], (question, entry)
            difference = differ(in_union(found), expected)
            assert difference is None, f"{difference}\n{question}\n{entry} for {caller}, {first} at a time"
