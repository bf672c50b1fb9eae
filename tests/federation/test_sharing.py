"""Whoever asks the same at the same time with the same rights is given one answer; each has records of their own."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from tests.federation.liar import page, row

DOCUMENT = (
    '{ datasets(cities: ["limburg", "offenbach"], first: 3) { nodes { id } federation { cities { city state } } } }'
)
FACETS = '{ datasetFacets(cities: ["giessen", "offenbach"]) { total federation { complete } } }'


def slow(limburg):
    async def behave(_request: web.Request, _body: dict) -> web.Response:
        await asyncio.sleep(0.15)
        return web.json_response(page([row("aaa")]))

    limburg.behaviour = behave
    limburg.asked = 0


def states(town, trace: str) -> set[tuple]:
    return {(row["role"], row["counterpart"], row["state"], row["bytes"] > 0) for row in town.records(trace)}


async def test_one_answer_for_all_and_a_record_for_each(federation, limburg):
    home = federation["offenbach"]
    slow(limburg)
    answers = await asyncio.gather(*(home.ask(DOCUMENT) for _ in range(6)))
    assert limburg.asked == 1
    assert len({str(answer.data) for answer in answers}) == 1
    assert len({answer.trace for answer in answers}) == 6
    for answer in answers:
        assert states(home, answer.trace) == {("OWNER", None, "OK", True), ("CONSUMER", "limburg", "OK", True)}
    await home.ask(DOCUMENT)
    assert limburg.asked == 2, "an answer is not kept"


@pytest.mark.parametrize("purposes", [("traffic-planning", "research"), ("traffic-planning", None)])
async def test_other_rights_are_another_question(federation, limburg, purposes):
    home = federation["offenbach"]
    slow(limburg)
    tokens = [await home.token(purpose=purpose) if purpose else None for purpose in purposes]
    answers = await asyncio.gather(*(home.ask(DOCUMENT, token) for token in tokens for _ in range(3)))
    assert limburg.asked == 2
    for answer, purpose in zip(answers, [purpose for purpose in purposes for _ in range(3)], strict=True):
        assert {row["purpose"] for row in home.records(answer.trace)} == {purpose}


async def test_who_leaves_takes_nothing_away_from_the_others(federation, limburg):
    home = federation["offenbach"]
    slow(limburg)

    async def hasty():
        async with asyncio.timeout(0.05):
            await home.ask(DOCUMENT)

    *left, stayed = await asyncio.gather(hasty(), hasty(), home.ask(DOCUMENT), return_exceptions=True)
    assert all(isinstance(one, TimeoutError) for one in left)
    assert {"city": "limburg", "state": "OK"} in stayed.data["datasets"]["federation"]["cities"]


async def test_parts_are_shared_as_well(federation):
    home, owner = federation["offenbach"], federation["giessen"]
    answers = await asyncio.gather(*(home.ask(FACETS) for _ in range(8)))
    assert len({str(answer.data) for answer in answers}) == 1
    asked = 0
    for answer in answers:
        assert {role for role, *_ in states(home, answer.trace)} == {"OWNER", "CONSUMER"}
        asked += len(owner.records(answer.trace))
    assert 1 <= asked < len(answers)
