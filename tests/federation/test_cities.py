"""`cities { … }`: each city's own subtree, as it is written."""

from __future__ import annotations

import pytest

REPORT = "federation { complete cities { city state rows } }"


async def test_each_city_gives_its_own(healthy):
    home = healthy["offenbach"]
    document = (
        "{ cities { id name few: datasets(first: 1, orderBy: TITLE_DESC) { nodes { id title } pageInfo { hasNextPage }"
        " %s } datastreams { nodes { id dataset { id } } } datasetFacets { total tiers { value count } } } }" % REPORT
    )
    answer = (await home.ask(document)).data["cities"]
    assert [city["id"] for city in answer] == sorted(healthy.towns)
    for city in answer:
        alone = f'cities: ["{city["id"]}"]'
        expected = (
            await home.ask(
                "{ few: datasets(first: 1, orderBy: TITLE_DESC, %s) { nodes { id title } pageInfo { hasNextPage } }"
                " datastreams(%s) { nodes { id dataset { id } } } datasetFacets(%s) { total tiers { value count } } }"
                % (alone, alone, alone)
            )
        ).data
        report = city["few"].pop("federation")
        rows = {row["city"]: (row["state"], row["rows"]) for row in report["cities"] if row["state"] != "SKIPPED"}
        assert rows == {city["id"]: ("OK", len(city["few"]["nodes"]))}
        assert {name: city[name] for name in expected} == expected
        assert all(node["id"].startswith(f"{city['id']}:") for node in city["few"]["nodes"])


async def test_its_cursors_go_on_at_the_root_and_back(healthy):
    home = healthy["offenbach"]
    first = (await home.ask("{ cities { id datasets(first: 1) { nodes { id } pageInfo { endCursor } } } }")).data
    for city in first["cities"]:
        after = city["datasets"]["pageInfo"]["endCursor"]
        document = '{ datasets(cities: ["%s"], first: 50, after: "%s") { nodes { id } } }' % (city["id"], after)
        rest = (await home.ask(document)).data["datasets"]["nodes"]
        whole = (await home.ask('{ datasets(cities: ["%s"], first: 50) { nodes { id } } }' % city["id"])).data
        assert city["datasets"]["nodes"] + rest == whole["datasets"]["nodes"]


async def test_a_city_that_is_away_costs_its_own_subtree(healthy):
    healthy["wetzlar"].process.kill()
    answer = (await healthy["offenbach"].ask("{ cities { id datasets { nodes { id } %s } } }" % REPORT)).data["cities"]
    states = {
        city["id"]: next(row["state"] for row in city["datasets"]["federation"]["cities"] if row["city"] == city["id"])
        for city in answer
    }
    assert states == {"fulda": "OK", "giessen": "OK", "offenbach": "OK", "wetzlar": "UNREACHABLE"}
    assert all(city["datasets"]["nodes"] for city in answer if city["id"] != "wetzlar")


async def test_mistakes_and_cost_are_told(healthy):
    home = healthy["offenbach"]
    wrong = await home.ask("{ cities { id datasets(first: -1) { nodes { id } } } }")
    assert {error["extensions"]["code"] for error in wrong.body["errors"]} == {"BAD_INPUT"}
    assert [city["datasets"] for city in wrong.body["data"]["cities"]] == [None] * 4
    one = await home.ask('{ datasets(cities: ["fulda"], first: 7) { nodes { id } } }')
    each = await home.ask("{ cities { datasets(first: 7) { nodes { id } } } }")
    costs = [answer.body["extensions"]["cost"] for answer in (one, each)]
    assert costs[1]["requested"] == pytest.approx(4 * costs[0]["requested"], rel=0.01)  # rounded
    assert costs[1]["rows"] == 4 * costs[0]["rows"]
    home_only = await home.ask("{ node { city { id datasets(first: 7) { nodes { id } } } } }")
    assert home_only.body["extensions"]["cost"]["rows"] == costs[0]["rows"]
    assert home_only.data["node"]["city"]["datasets"]["nodes"]


@pytest.mark.parametrize("field", ["datasets", "things", "datastreams", "datasetFacets"])
async def test_every_part_leaves_records_at_both_ends(healthy, field):
    rows = "total" if field == "datasetFacets" else "nodes { id }"
    answer = await healthy["offenbach"].ask("{ cities { %s { %s } } }" % (field, rows))
    assert answer.data
    consumed = {(r["role"], r["counterpart"], r["field"]) for r in healthy["offenbach"].records(answer.trace)}
    assert consumed == {
        ("OWNER", None, field),
        *(("CONSUMER", city, field) for city in ("fulda", "giessen", "wetzlar")),
    }
    for city in ("fulda", "giessen", "wetzlar"):
        assert [(r["role"], r["counterpart"]) for r in healthy[city].records(answer.trace)] == [("OWNER", "offenbach")]
