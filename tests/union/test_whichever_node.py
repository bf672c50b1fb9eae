"""Whichever node is asked, whatever GraphQL can ask, and with whatever variables: the answers are the same."""

from __future__ import annotations

import random
from typing import Any

import pytest

from policy.model import ANONYMOUS
from tests.oracle.comparison import normal
from tests.oracle.documents import changed, written
from tests.oracle.resolvers import LEFT_OUT
from tests.union.nodes import SCHEMA, Node
from tests.union.values import UnionValues
from tests.union.worlds import NODES, made_up

DOCUMENTS = 12
RESULTS = ("series", "aggregate")
# what differs from node to node, or from time to time
_OWN = {
    *(("Query", name) for name in ("node", "cities")),
    *(("CityReport", name) for name in ("tookMs", "asOf", "policyVersion", "reason", "log")),
}
LEFT = {place for place in LEFT_OUT if place[0] != "Query" or place[1] not in RESULTS} | _OWN
BROKEN = ("INTERNAL", "INCOMPATIBLE", "UNREACHABLE", "TIMEOUT", "CITY_UNAVAILABLE")


@pytest.fixture(autouse=True)
def everybody_is_asked(monkeypatch):
    """No node rules out itself, but others may."""
    monkeypatch.setattr(Node, "_why_skip", lambda *_: None)


async def answered(node: Node, document: str, variables: dict[str, Any]) -> tuple[Any, list[str]]:
    data, codes = await node.answer(document, variables, ANONYMOUS)
    return normal(data), sorted(codes)


@pytest.mark.parametrize("seed", range(2))
async def test_any_two_nodes_agree(united, seed):
    luck, worlds = random.Random(seed), made_up(seed)
    await united.hold(worlds)
    told = 0
    for _ in range(DOCUMENTS):
        case = written(SCHEMA.graphql, UnionValues(luck, worlds), LEFT)
        if "query Other" in case.document:
            continue
        one, other = luck.sample(NODES, 2)
        for variables in (case.variables, changed(case, UnionValues(luck, worlds)), case.variables):
            mine, theirs = [await answered(united.nodes[node], case.document, variables) for node in (one, other)]
            assert mine == theirs, f"{one} and {other} differ\n{case.document}\n{variables}"
            assert not any(word in str(mine) for word in BROKEN), f"{mine}\n{case.document}\n{variables}"
            told += bool(mine[0])
    assert told > DOCUMENTS, "most of it has an answer"
