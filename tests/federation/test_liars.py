"""A peer can be anything. It costs its own rows, within the deadline, and is told with its state."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from aiohttp import web

from federation.told import MAX_OBLIGATIONS
from tests.federation import liar as lies
from tests.federation.liar import answers, page, reported, row

DOCUMENT = '{ datasets(cities: ["limburg", "offenbach"], first: 3) { nodes { id } federation { complete cities { city state reason } } } }'


async def ask(federation):
    started = time.monotonic()
    answer = await federation["offenbach"].ask(DOCUMENT)
    rows = {row["city"]: row for row in answer.data["datasets"]["federation"]["cities"]}
    assert rows["offenbach"]["state"] == "OK"
    assert time.monotonic() - started < 5, "the deadline of a peer is 1.5 s here"
    return rows["limburg"], [node["id"] for node in answer.data["datasets"]["nodes"]], answer


async def test_an_honest_one_is_merged(federation, limburg):
    limburg.behaviour = lies.honest
    row, ids, answer = await ask(federation)
    assert row["state"] == "OK"
    assert "limburg:dataset:x" in ids
    assert answer.data["datasets"]["federation"]["complete"] is True


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        (lies.never_answers, "TIMEOUT"),
        (lies.trickles, "TIMEOUT"),
        (lies.stalls_after_the_headers, "TIMEOUT"),
        (lies.lies_about_its_length, "UNREACHABLE"),
        (lies.floods, "INCOMPATIBLE"),
        (lies.zipped(), "INCOMPATIBLE"),
        (answers(b""), "INCOMPATIBLE"),
        (answers(b"<html>"), "INCOMPATIBLE"),
        (answers(b"{" * 100_000), "INCOMPATIBLE"),
        (answers(b'{"data": {"r": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"), "INCOMPATIBLE"),
        (answers(page([row("a", n0={"id": "limburg:dataset:\ud800"})])), "INCOMPATIBLE"),
        (answers(b'{"data": {"r": {"k": ["\xff\xfe"]}}}'), "INCOMPATIBLE"),
        (answers({"data": None}), "INCOMPATIBLE"),
        (answers({"data": {"r": None}}), "INCOMPATIBLE"),
        (
            answers({"errors": [{"message": "select * from secrets", "extensions": {"code": "INTERNAL"}}]}),
            "INCOMPATIBLE",
        ),
        (answers(page([row("a")]) | {"errors": [{"message": "half"}]}), "INCOMPATIBLE"),
        (answers(page([{"n0": {"id": "limburg:dataset:x"}}])), "INCOMPATIBLE"),
        (answers(page([{"k": "x", "n0": {"id": "limburg:dataset:x"}}])), "INCOMPATIBLE"),
        (answers(page([{"s": "a", "k": "x"}])), "INCOMPATIBLE"),
        (answers(page([row("a", s=5)])), "INCOMPATIBLE"),
        (answers(page([row("a", k="x\x00")])), "INCOMPATIBLE"),
        (answers(page([row("a\x00")])), "INCOMPATIBLE"),
        (answers(page([], pageInfo={"hasNextPage": True})), "INCOMPATIBLE"),
        (answers(page([row("a", n0={"id": 5})])), "INCOMPATIBLE"),
        (answers(page([row("a", n0={"id": "x", "more": "y"})])), "INCOMPATIBLE"),
        (answers(page([row("a", n0={})])), "INCOMPATIBLE"),
        (answers(page([row("a", n0=None)])), "INCOMPATIBLE"),
        (answers(page([row("a", n0={"id": "fulda:dataset:x"})])), "INCOMPATIBLE"),
        (answers(page([row("a", n0={"id": "offenbach:dataset:rad"})])), "INCOMPATIBLE"),
        (answers(page([row("b"), row("a")])), "INCOMPATIBLE"),
        (answers(page([row("a"), row("a")])), "INCOMPATIBLE"),
        (answers(page([row(str(n)) for n in range(9)])), "INCOMPATIBLE"),
        (answers(page([], pageInfo={"hasNextPage": "no"})), "INCOMPATIBLE"),
        (answers(page([row("a")], federation=reported(policyVersion="v\x00"))), "INCOMPATIBLE"),
        (answers(page([row("a")], federation=reported(policyVersion="v" * 101))), "INCOMPATIBLE"),
        (answers(page([row("a")], federation=reported(obligations=["x"] * (MAX_OBLIGATIONS + 1)))), "INCOMPATIBLE"),
        (answers(page([row("a")], federation=reported(state="TIMEOUT"))), "TIMEOUT"),
        (answers(page([row("a" * 501)])), "INCOMPATIBLE"),
        (
            answers(
                {
                    "data": {"r": None},
                    "errors": [{"message": "", "extensions": {"a": json.loads("[" * 900 + "]" * 900)}}],
                }
            ),
            "INCOMPATIBLE",
        ),
        (answers(b'{"errors": [{"extensions": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}]}"), "INCOMPATIBLE"),
        (answers({}, status=401), "DENIED"),
        (answers({}, status=403), "DENIED"),
        (answers({}, status=500), "INCOMPATIBLE"),
        (answers({}, status=503), "UNREACHABLE"),
        (answers({}, status=302, headers={"Location": "http://127.0.0.1:1/"}), "INCOMPATIBLE"),
    ],
)
async def test_misbehaviour_costs_its_own_rows_only(federation, limburg, behaviour, state):
    limburg.behaviour = behaviour
    row, ids, answer = await ask(federation)
    assert row["state"] == state, row
    assert row["reason"]
    assert answer.data["datasets"]["federation"]["complete"] is False
    assert ids
    assert all(one.startswith("offenbach:") for one in ids)
    assert "secrets" not in str(answer.body)


async def test_its_own_report_can_not_speak_for_it(federation, limburg):
    """An owner can't claim to be another city."""

    async def poses(_request, _body):
        body = page([row("aaa")])
        body["data"]["r"]["federation"]["cities"][0]["city"] = "offenbach"
        return web.json_response(body)

    limburg.behaviour = poses
    row, _, answer = await ask(federation)
    assert row["state"] == "INCOMPATIBLE"
    assert [row["city"] for row in answer.data["datasets"]["federation"]["cities"]] == ["limburg", "offenbach"]


async def test_a_single_object_is_checked_too(federation, limburg):
    document = '{ dataset(id: "limburg:dataset:x") { id title } }'
    for body in ({"data": {"r": {"id": "limburg:dataset:x"}}}, {"data": {"r": {"id": 1, "title": ""}}}, {"data": {}}):
        limburg.behaviour = answers(body)
        answer = await federation["offenbach"].ask(document)
        if body == {"data": {}}:
            assert answer.code in {"NOT_FOUND", "CITY_UNAVAILABLE"}
        else:
            assert answer.code == "CITY_UNAVAILABLE"
    limburg.behaviour = answers({"data": {"r": {"id": "limburg:dataset:x", "title": "T"}}})
    assert (await federation["offenbach"].ask(document)).data["dataset"]["title"] == "T"
    limburg.behaviour = answers({"data": {"r": {"id": "fulda:dataset:x", "title": "T"}}})
    assert (await federation["offenbach"].ask(document)).code == "CITY_UNAVAILABLE"


async def test_an_order_by_time_is_an_order_of_times(federation, limburg):
    """A made-up sort key would end up in everybody's cursor."""
    document = '{ datasets(cities: ["limburg", "offenbach"], orderBy: MODIFIED_DESC, first: 3) { nodes { id } pageInfo { endCursor } federation { cities { city state } } } }'
    limburg.behaviour = answers(page([row("zzz")]))
    page_ = (await federation["offenbach"].ask(document)).data["datasets"]
    assert {row["city"]: row["state"] for row in page_["federation"]["cities"]}["limburg"] == "INCOMPATIBLE"
    again = document.replace("first: 3", f'first: 3, after: "{page_["pageInfo"]["endCursor"]}"')
    assert (await federation["offenbach"].ask(again)).data["datasets"]["nodes"]


async def test_a_deep_answer_for_one_object_is_that_citys_fault(federation, limburg):
    limburg.behaviour = answers(b'{"errors": [{"extensions": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}]}")
    answer = await federation["offenbach"].ask('{ dataset(id: "limburg:dataset:x") { id } }')
    assert answer.code == "CITY_UNAVAILABLE"
    assert [record["counterpart"] for record in federation["offenbach"].records(answer.trace)] == ["limburg"]


async def test_a_city_that_never_answers_holds_up_nobody_else(federation, limburg):
    limburg.behaviour = lies.never_answers
    asking = [
        asyncio.create_task(
            federation["offenbach"].ask(
                '{ datasets(cities: ["limburg", "giessen"], first: 1) { federation { cities { city state } } } }'
            )
        )
        for _ in range(90)
    ]
    await asyncio.sleep(0.3)
    alone = await federation["offenbach"].ask('{ datasets(cities: ["giessen"], first: 1) { federation { complete } } }')
    assert alone.data["datasets"]["federation"]["complete"] is True
    for answer in await asyncio.gather(*asking):
        states = {row["city"]: row["state"] for row in answer.data["datasets"]["federation"]["cities"]}
        assert states == {"giessen": "OK", "limburg": "TIMEOUT"}
