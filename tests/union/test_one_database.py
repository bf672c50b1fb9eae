"""What several cities answer together is what one database with all their data answers, from whichever node.

A thorough run: `pytest tests/union --worlds=0:500`.
"""

from __future__ import annotations

import math
import random

import pytest

from policy.model import ANONYMOUS, Caller
from schema.histogram import ACCURACY
from tests.union.nodes import Node
from tests.union.questions import Maker, Question
from tests.union.worlds import GUEST, NODES, UNION, in_union, made_up

QUESTIONS = 8
PURPOSES = ("traffic-planning", "research")


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
