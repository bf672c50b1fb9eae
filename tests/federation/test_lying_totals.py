"""A city that lies in what is counted costs its own part only: nothing of it gets into the sums."""

from __future__ import annotations

import json

import pytest

from tests.federation import liar as lies
from tests.federation.liar import answers, page

FACETS = """{ datasetFacets(cities: ["limburg", "offenbach"]) { total cities { value count } themes { value count }
    federation { complete cities { city state rows reason } } } }"""
TOTALS = """{ datasets(cities: ["limburg", "offenbach"], filter: {text: "Baumkadaster"}) { totalCount suggestions
    nodes { id } federation { cities { city state } } } }"""
REPORT = {"cities": [{"city": "limburg", "state": "OK", "asOf": None, "policyVersion": "v", "obligations": []}]}


def row(value: str, count: object = 1, label: str = "L") -> dict:
    return {"value": value, "label": label, "count": count}


def facets(
    total: object = 3, cities: object = None, themes: object = None, federation: object = REPORT, **more
) -> dict:
    cities = [row("limburg", 3)] if cities is None else cities
    return {"data": {"r": {"total": total, "cities": cities, "themes": themes or [], "federation": federation} | more}}


async def ask(federation, document: str):
    (result,) = (await federation["offenbach"].ask(document)).data.values()
    rows = {row["city"]: row for row in result["federation"]["cities"]}
    assert rows["offenbach"]["state"] == "OK"
    return rows["limburg"], result


async def test_an_honest_ones_counts_are_added(federation, limburg):
    limburg.behaviour = answers(facets(themes=[row("TRAN", 2), row("ENVI", 3)]))
    told, result = await ask(federation, FACETS)
    assert told == {"city": "limburg", "state": "OK", "rows": 3, "reason": None}
    assert result["total"] == 19
    assert result["cities"] == [{"value": "offenbach", "count": 16}, {"value": "limburg", "count": 3}]
    assert result["themes"] == [
        {"value": "GOVE", "count": 15},
        {"value": "ENVI", "count": 3},
        {"value": "TRAN", "count": 3},
    ]


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        (lies.never_answers, "TIMEOUT"),
        (lies.trickles, "TIMEOUT"),
        (lies.lies_about_its_length, "UNREACHABLE"),
        (lies.floods, "INCOMPATIBLE"),
        (lies.zipped(), "INCOMPATIBLE"),
        (lies.honest, "INCOMPATIBLE"),
        (answers({}, status=403), "DENIED"),
        (answers({"data": {"r": None}}), "INCOMPATIBLE"),
        (answers({"data": {"r": []}}), "INCOMPATIBLE"),
        (answers({"data": {"r": {"total": 1}}}), "INCOMPATIBLE"),
        (answers(facets() | {"errors": [{"message": "half"}]}), "INCOMPATIBLE"),
        (answers(facets(more=1)), "INCOMPATIBLE"),
        (answers(facets(cities=[row("offenbach", 1000)])), "INCOMPATIBLE"),
        (answers(facets(cities=[row("limburg"), row("limburg")])), "INCOMPATIBLE"),
        (answers(facets(total=-5)), "INCOMPATIBLE"),
        (answers(facets(total=2**31 - 1)), "INCOMPATIBLE"),
        (answers(facets(total=10**30)), "INCOMPATIBLE"),
        (answers(facets(total="3")), "INCOMPATIBLE"),
        (answers(facets(total=float("nan")), dumps=json.dumps), "INCOMPATIBLE"),
        (answers(facets(themes=[row("TRAN", float("inf"))]), dumps=json.dumps), "INCOMPATIBLE"),
        (answers(facets(themes=[row("TRAN", -1)])), "INCOMPATIBLE"),
        (answers(facets(themes=[row("TRAN", 10**9)])), "INCOMPATIBLE"),
        (answers(facets(themes=[row("T" * 501)])), "INCOMPATIBLE"),
        (answers(facets(themes=[row(str(n)) for n in range(1001)])), "INCOMPATIBLE"),
        (answers(facets(themes=[{"value": "TRAN", "label": "L"}])), "INCOMPATIBLE"),
        (answers(facets(themes=[None])), "INCOMPATIBLE"),
        (answers(facets(federation={"cities": [REPORT["cities"][0] | {"city": "fulda"}]})), "INCOMPATIBLE"),
        (answers(facets(federation={"cities": [REPORT["cities"][0] | {"policyVersion": "v\x00"}]})), "INCOMPATIBLE"),
    ],
)
async def test_made_up_facets_are_not_counted(federation, limburg, behaviour, state):
    limburg.behaviour = behaviour
    told, result = await ask(federation, FACETS)
    assert told["state"] == state, told
    assert (told["rows"], bool(told["reason"])) == (0, True)
    assert result["federation"]["complete"] is False
    assert result["total"] == 16
    assert result["cities"] == [{"value": "offenbach", "count": 16}]


async def test_an_honest_ones_total_is_added(federation, limburg):
    limburg.behaviour = answers(page([], totalCount=7, suggestions=["Baumkataster"]))
    told, result = await ask(federation, TOTALS)
    assert told["state"] == "OK"
    assert (result["totalCount"], result["suggestions"]) == (7, ["Baumkataster"])


@pytest.mark.parametrize(
    "more",
    [
        {"totalCount": -1, "suggestions": []},
        {"totalCount": 10**9, "suggestions": []},
        {"totalCount": 1.5, "suggestions": []},
        {"totalCount": 1, "suggestions": ["x"] * 6},
        {"totalCount": 1, "suggestions": ["x" * 1001]},
        {"totalCount": 1, "suggestions": None},
        {"totalCount": 1},
        {"suggestions": []},
    ],
)
async def test_made_up_totals_are_not_counted(federation, limburg, more):
    limburg.behaviour = answers(page([], **more))
    told, result = await ask(federation, TOTALS)
    assert told["state"] == "INCOMPATIBLE"
    assert (result["totalCount"], result["suggestions"]) == (0, [])
