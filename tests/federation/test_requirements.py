"""What a caller requires: from how many cities, until when; and rows that come late."""

from __future__ import annotations

import time

import pytest

REPORT = "federation { complete cities { city state rows late } }"


def states(answer, field: str = "datasets") -> dict[str, str]:
    return {row["city"]: row["state"] for row in answer.data[field]["federation"]["cities"]}


def asked(arguments: str, field: str = "datasets") -> str:
    rows = "" if field == "datasetFacets" else "nodes { id }"
    return "{ %s%s { %s %s } }" % (field, f"({arguments})" if arguments else "", rows, REPORT)


@pytest.mark.parametrize("field", ["datasets", "datasetFacets"])
async def test_a_quorum_bears_as_many_gaps_as_it_says(healthy, field):
    healthy["wetzlar"].process.kill()
    answer = await healthy["offenbach"].ask(asked("require: QUORUM, quorum: 3", field))
    assert states(answer, field) == {"fulda": "OK", "giessen": "OK", "offenbach": "OK", "wetzlar": "UNREACHABLE"}
    refused = await healthy["offenbach"].ask(asked("require: QUORUM, quorum: 4", field))
    assert refused.code == "INCOMPLETE"
    message = refused.body["errors"][0]["message"]
    assert "3 of 4" in message
    assert "wetzlar (UNREACHABLE" in message
    more_than_there_are = await healthy["offenbach"].ask(asked('require: QUORUM, quorum: 2, cities: ["fulda"]', field))
    assert more_than_there_are.code == "INCOMPLETE"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("require: QUORUM", "quorum"),
        ("require: QUORUM, quorum: 0", "quorum"),
        ("quorum: 2", "quorum"),
        ("require: ALL, quorum: 2", "quorum"),
        ("deadlineMs: 0", "deadlineMs"),
        ("deadlineMs: -5", "deadlineMs"),
    ],
)
async def test_contradictions_are_told(healthy, arguments, named):
    answer = await healthy["offenbach"].ask(asked(arguments))
    assert answer.code == "BAD_INPUT"
    assert answer.body["errors"][0]["message"].startswith(f"{named}: ")


@pytest.mark.parametrize("field", ["datasets", "datasetFacets"])
async def test_a_caller_in_a_hurry_gets_what_is_there(healthy, field):
    await healthy["offenbach"].ask(asked("", field))  # tokens and connections
    healthy["giessen"].freeze()
    began = time.monotonic()
    answer = await healthy["offenbach"].ask(asked("deadlineMs: 300", field))
    assert time.monotonic() - began < 1.4, "the deadline of a peer is 1.5 s here"
    assert states(answer, field) == {"fulda": "OK", "giessen": "TIMEOUT", "offenbach": "OK", "wetzlar": "OK"}


async def test_the_own_city_has_no_more_time_than_the_others(healthy):
    home = healthy["offenbach"]
    await home.ask(asked(""))
    with home.locked("dataset"):
        answer = await home.ask(asked("deadlineMs: 700"))
        assert states(answer) == {"fulda": "OK", "giessen": "OK", "offenbach": "TIMEOUT", "wetzlar": "OK"}
        alone = await home.ask(asked('deadlineMs: 700, cities: ["offenbach"]'))
        assert states(alone) == {"offenbach": "TIMEOUT"}
    assert states(await home.ask(asked("")))["offenbach"] == "OK"


async def test_rows_of_a_city_that_was_away_are_told_late(healthy):
    home = healthy["offenbach"]
    document = "{ datasets(first: 2%s) { nodes { id } pageInfo { endCursor hasNextPage } " + REPORT + " } }"
    healthy["fulda"].freeze()
    first = (await home.ask(document % ", deadlineMs: 600")).data["datasets"]
    assert {row["late"] for row in first["federation"]["cities"]} == {0}
    healthy["fulda"].thaw()
    seen, late, after = [node["id"] for node in first["nodes"]], 0, first["pageInfo"]["endCursor"]
    more = True
    while more:
        page = (await home.ask(document % f', after: "{after}"')).data["datasets"]
        seen += [node["id"] for node in page["nodes"]]
        counted = {row["city"]: row["late"] for row in page["federation"]["cities"]}
        assert {city for city, count in counted.items() if count} <= {"fulda"}
        late += counted["fulda"]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    everything = (await home.ask("{ datasets(first: 100) { nodes { id } } }")).data["datasets"]["nodes"]
    assert sorted(seen) == sorted(node["id"] for node in everything)
    whole = [node["id"] for node in everything]
    expected = [id_ for id_ in whole[: whole.index(first["nodes"][-1]["id"])] if id_.startswith("fulda:")]
    assert late == len(expected)
