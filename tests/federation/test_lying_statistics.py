"""A city that lies in series and aggregates costs its own part only."""

from __future__ import annotations

import json

import pytest

from tests.federation import liar as lies
from tests.federation.liar import answers

DURING = 'during: {start: "2026-01-01T01:00:00Z", end: "2026-01-01T02:00:00Z"}'
REPORTED = "federation { complete cities { city state rows reason } }"
SERIES = """{ series(datastreams: ["limburg:datastream:a", "offenbach:datastream:rad-ein", "limburg:datastream:b"], %s) {
    series { datastream { id } times values qualities } %s } }""" % (DURING, REPORTED)
GROUPS = """{ aggregate(cities: ["limburg", "offenbach"], filter: {vehicleClasses: ["BICYCLE"]}, %s, groupBy: [CITY]) {
    groups { city unit thing { id } buckets { count sum start } } %s } }""" % (DURING, REPORTED)
TOLD = {"cities": [{"city": "limburg", "state": "OK", "asOf": None, "policyVersion": "v", "obligations": []}]}
SLOW = {"cities": [TOLD["cities"][0] | {"state": "TIMEOUT"}]}  # its own time limit came before ours
TIME = "2026-01-01T01:00:00+00:00"
OWN = "offenbach:datastream:rad-ein"


def one(id_: str = "limburg:datastream:a", **more: object) -> dict:
    return {
        "k": {"id": id_},
        "datastream": {"id": id_},
        "times": [TIME],
        "values": [1.5],
        "qualities": ["RAW"],
    } | more


def given(*series: object, **more: object) -> dict:
    return {"data": {"r": {"series": list(series), "federation": TOLD} | more}}


def group(**more: object) -> dict:
    bucket = {"count": 1, "sum": 2.0, "start": TIME}
    return {"city": "limburg", "unit": "1", "thing": None, "buckets": [bucket | more.pop("bucket", {})]} | more


def grouped(*groups: object, **more: object) -> dict:
    return {"data": {"r": {"groups": list(groups), "federation": TOLD} | more}}


async def ask(federation, document: str):
    (result,) = (await federation["offenbach"].ask(document)).data.values()
    rows = {row["city"]: row for row in result["federation"]["cities"]}
    assert rows["offenbach"]["state"] == "OK"
    return rows["limburg"], result


async def test_an_honest_ones_series_stand_where_they_were_named(federation, limburg):
    limburg.behaviour = answers(given(one("limburg:datastream:b"), one()))
    told, result = await ask(federation, SERIES)
    assert told == {"city": "limburg", "state": "OK", "rows": 2, "reason": None}
    assert [series["datastream"]["id"] for series in result["series"]] == [
        "limburg:datastream:a",
        OWN,
        "limburg:datastream:b",
    ]
    assert list(result["series"][0]) == ["datastream", "times", "values", "qualities"]


FAULTS = [
    (lies.never_answers, "TIMEOUT"),
    (lies.stalls_after_the_headers, "TIMEOUT"),
    (lies.lies_about_its_length, "UNREACHABLE"),
    (lies.floods, "INCOMPATIBLE"),
    (lies.zipped(), "INCOMPATIBLE"),
    (lies.honest, "INCOMPATIBLE"),
    (answers({}, status=403), "DENIED"),
    (answers({}, status=503), "UNREACHABLE"),
    (answers({"data": {"r": None}}), "INCOMPATIBLE"),
    (answers(b'{"data": {"r": {"series": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}}"), "INCOMPATIBLE"),
]


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        *FAULTS,
        (answers(given(federation=SLOW)), "TIMEOUT"),
        *(
            (answers(body, dumps=json.dumps), "INCOMPATIBLE")
            for body in (
                given(one(OWN)),
                given(one("limburg:datastream:c")),
                given(one(), one()),
                given(one(), one("limburg:datastream:b"), one("limburg:datastream:c")),
                given(one(k={"id": OWN})),
                given(one(datastream={"id": OWN})),
                given(one(k=None)),
                given({"times": [], "values": [], "qualities": [], "datastream": {"id": "limburg:datastream:a"}}),
                given(one(times=[])),
                given(one(values=[1, 2])),
                given(one(qualities=[])),
                given(one(values=[float("nan")])),
                given(one(values=[float("inf")])),
                given(one(values=["1"])),
                given(one(values=None)),
                given(one(times=["yesterday"])),
                given(one(times=["2026-01-01T01:00:00"])),
                given(one(more=1)),
                given(None),
                given(one(), series=None),
                given(one(), federation={"cities": [TOLD["cities"][0] | {"city": "offenbach"}]}),
                given(one()) | {"errors": [{"message": "half"}]},
            )
        ),
    ],
)
async def test_made_up_series_are_left_out(federation, limburg, behaviour, state):
    limburg.behaviour = behaviour
    told, result = await ask(federation, SERIES)
    assert told["state"] == state, told
    assert (told["rows"], bool(told["reason"])) == (0, True)
    assert result["federation"]["complete"] is False
    assert [series["datastream"]["id"] for series in result["series"]] == [OWN]


async def test_an_honest_ones_groups_are_among_the_others(federation, limburg):
    limburg.behaviour = answers(grouped(group(), group(unit="km/h")))
    told, result = await ask(federation, GROUPS)
    assert (told["state"], told["rows"]) == ("OK", 2)
    assert [group["city"] for group in result["groups"]] == ["limburg", "limburg", "offenbach"]


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        *FAULTS,
        (answers(grouped(federation=SLOW)), "TIMEOUT"),
        *(
            (answers(body, dumps=json.dumps), "INCOMPATIBLE")
            for body in (
                grouped(group(city="offenbach")),
                grouped(group(thing={"id": "offenbach:thing:bruecke"})),
                grouped(group(bucket={"count": 2**31})),
                grouped(group(bucket={"count": 1.5})),
                grouped(group(bucket={"count": None})),
                grouped(group(bucket={"sum": float("nan")})),
                grouped(group(bucket={"sum": float("-inf")})),
                grouped(group(bucket={"sum": "2"})),
                grouped(group(bucket={"start": None})),
                grouped(group(bucket={"more": 1})),
                grouped(group(buckets=None)),
                grouped(group(buckets={})),
                grouped({"city": "limburg"}),
                grouped(None),
                grouped(groups={}),
                grouped(group(), more=1),
            )
        ),
    ],
)
async def test_made_up_groups_are_left_out(federation, limburg, behaviour, state):
    limburg.behaviour = behaviour
    told, result = await ask(federation, GROUPS)
    assert told["state"] == state, told
    assert (told["rows"], bool(told["reason"])) == (0, True)
    assert result["federation"]["complete"] is False
    assert [group["city"] for group in result["groups"]] == ["offenbach"]
