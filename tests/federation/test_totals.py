"""Totals, suggestions and facets of all cities at once, from any node."""

from __future__ import annotations

import pytest

from tests.federation.cities import NAMES

CITIES = sorted(NAMES)
REPORT = "federation { complete cities { city state rows reason } }"
FACETS = (
    """{ datasetFacets%s { total cities { value count } themes { value label count } tiers { value count }
    few: keywords(first: 1) { value } """
    + REPORT
    + " } }"
)


def states(result) -> dict[str, str]:
    return {row["city"]: row["state"] for row in result["federation"]["cities"]}


@pytest.mark.parametrize("entry", CITIES)
async def test_a_total_counts_the_rows_of_all_cities_whatever_the_page(federation, entry):
    answer = await federation[entry].ask(
        "{ all: datasets(first: 1) { n: totalCount nodes { id } } none: datasets(first: 0) { totalCount }"
        ' one: datasets(cities: ["fulda"]) { totalCount } things { totalCount } datastreams { totalCount } }'
    )
    assert answer.data["all"]["n"] == 64
    assert len(answer.data["all"]["nodes"]) == 1
    assert [answer.data[name]["totalCount"] for name in ("none", "one", "things", "datastreams")] == [64, 16, 4, 4]


async def test_a_total_counts_what_the_caller_may_see(federation):
    token = await federation["offenbach"].token()
    answer = await federation["offenbach"].ask("{ datasets { totalCount } }", token)
    assert answer.data["datasets"]["totalCount"] == 64 + 2 + 2  # own shared and internal, and those of two agreements


async def test_a_total_stays_the_same_on_every_page(federation):
    document = "query ($after: String) { datasets(first: 40, after: $after) { totalCount pageInfo { endCursor } } }"
    first = (await federation["wetzlar"].ask(document)).data["datasets"]
    second = (await federation["wetzlar"].ask(document, None, {"after": first["pageInfo"]["endCursor"]})).data
    assert first["totalCount"] == second["datasets"]["totalCount"] == 64


async def test_no_hit_anywhere_brings_suggestions_and_a_hit_somewhere_none(federation):
    federation["fulda"].sql("update dataset set keywords = '{Baumkataster}' where key = 'rad'")
    federation["giessen"].sql("update dataset set keywords = '{Baumkatasters}' where key = 'rad'")
    try:
        document = "query ($t: String) { datasets(filter: {text: $t}) { suggestions totalCount nodes { id } } }"
        found = (await federation["offenbach"].ask(document, None, {"t": "Baumkadaster"})).data["datasets"]
        assert found["totalCount"] == 0
        assert [text.lower() for text in found["suggestions"]][:1] == ["baumkataster"]
        assert len(set(found["suggestions"])) == len(found["suggestions"]) <= 5
        hit = (await federation["offenbach"].ask(document, None, {"t": "Baumkataster"})).data["datasets"]
        assert hit["nodes"]
        assert hit["suggestions"] == []
    finally:
        for city in ("fulda", "giessen"):
            federation[city].sql("update dataset set keywords = '{}' where key = 'rad'")


async def test_relevance_orders_the_rows_of_all_cities(federation):
    document = """query ($after: String) { datasets(first: 3, after: $after, orderBy: RELEVANCE,
        filter: {text: "Liste"}) { nodes { id } pageInfo { endCursor } federation { complete cities { state } } } }"""
    whole = (await federation["fulda"].ask(document.replace("first: 3", "first: 70"))).data["datasets"]
    assert whole["federation"]["complete"], whole["federation"]
    assert len(whole["nodes"]) == 60
    first = (await federation["giessen"].ask(document)).data["datasets"]
    second = (await federation["wetzlar"].ask(document, None, {"after": first["pageInfo"]["endCursor"]})).data
    assert first["nodes"] + second["datasets"]["nodes"] == whole["nodes"][:6]


async def test_things_of_all_cities_by_distance(federation):
    document = """{ things(orderBy: DISTANCE, filter: {near: {longitude: 8.7, latitude: 50.5, radiusMetres: 5000}}) {
        nodes { city } federation { complete cities { state reason } } } }"""
    answer = (await federation["fulda"].ask(document)).data["things"]
    assert answer["federation"]["complete"], answer["federation"]
    assert [node["city"] for node in answer["nodes"]] == CITIES


async def test_the_newest_datastreams_of_all_cities(federation):
    document = (
        "{ datastreams(orderBy: PHENOMENON_END_DESC) { nodes { city } federation { complete cities { reason } } } }"
    )
    answer = (await federation["fulda"].ask(document)).data["datastreams"]
    assert answer["federation"]["complete"], answer["federation"]
    assert [node["city"] for node in answer["nodes"]] == CITIES


@pytest.mark.parametrize("entry", CITIES)
async def test_facets_are_summed_over_the_cities(federation, entry):
    result = (await federation[entry].ask(FACETS % "")).data["datasetFacets"]
    assert result == {
        "total": 64,
        "cities": [{"value": city, "count": 16} for city in CITIES],
        "themes": [
            {"value": "GOVE", "label": "Regierung und öffentlicher Sektor", "count": 60},
            {"value": "TRAN", "label": "Verkehr", "count": 4},
        ],
        "tiers": [{"value": "OPEN", "count": 64}],
        "few": [],
        "federation": {
            "complete": True,
            "cities": [{"city": city, "state": "OK", "rows": 16, "reason": None} for city in CITIES],
        },
    }


async def test_facets_count_what_the_caller_may_see(federation):
    token = await federation["offenbach"].token()
    result = (await federation["offenbach"].ask(FACETS % "", token)).data["datasetFacets"]
    assert {row["value"]: row["count"] for row in result["tiers"]} == {"OPEN": 64, "SHARED": 3, "INTERNAL": 1}
    assert {row["value"]: row["count"] for row in result["cities"]} == {
        "offenbach": 18,
        "giessen": 17,
        "wetzlar": 17,
        "fulda": 16,
    }


async def test_facets_of_named_cities_and_of_named_datasets(federation):
    asked = '(cities: ["giessen", "fulda"], filter: {ids: ["fulda:dataset:rad", "offenbach:dataset:rad"]})'
    result = (await federation["wetzlar"].ask(FACETS % asked)).data["datasetFacets"]
    assert (result["total"], result["cities"]) == (1, [{"value": "fulda", "count": 1}])
    assert states(result) == {"fulda": "OK", "giessen": "SKIPPED"}
    alone = (await federation["wetzlar"].ask(FACETS % '(cities: ["wetzlar"])')).data["datasetFacets"]
    assert (alone["total"], states(alone)) == (16, {"wetzlar": "OK"})
    nobody = '(cities: ["giessen"], filter: {ids: ["fulda:dataset:rad"]})'
    result = (await federation["wetzlar"].ask(FACETS % nobody)).data["datasetFacets"]
    assert (result["total"], result["federation"]["complete"], states(result)) == (0, True, {"giessen": "SKIPPED"})


async def test_both_sides_keep_a_record_of_facets(federation):
    home, owner = federation["offenbach"], federation["giessen"]
    token = await home.token()
    answer = await home.ask('{ datasetFacets(cities: ["giessen", "offenbach"]) { total } }', token)
    assert answer.data["datasetFacets"]["total"] == 17 + 18
    mine = {record["counterpart"]: record for record in home.records(answer.trace)}
    assert set(mine) == {None, "giessen"}
    assert (mine[None]["action"], mine[None]["role"], mine[None]["rows"]) == ("application:dataset:read", "OWNER", 18)
    assert (mine["giessen"]["role"], mine["giessen"]["state"], mine["giessen"]["rows"]) == ("CONSUMER", "OK", 17)
    (theirs,) = owner.records(answer.trace)
    assert (theirs["counterpart"], theirs["decision"], theirs["rows"]) == ("offenbach", "PERMIT", 17)
    assert theirs["datasets"] == ["giessen:dataset:kfz"], "open datasets are counted, not named"


async def test_a_city_that_is_down_is_told_and_the_rest_is_counted(healthy):
    healthy["giessen"].process.kill()
    home = healthy["fulda"]
    answer = await home.ask("{ datasets { totalCount %s } datasetFacets { total %s } }" % (REPORT, REPORT))
    for result, count in ((answer.data["datasets"], "totalCount"), (answer.data["datasetFacets"], "total")):
        assert result[count] == 48
        assert result["federation"]["complete"] is False
        assert states(result)["giessen"] == "UNREACHABLE"
    refused = await home.ask("{ datasetFacets(require: ALL) { total } }")
    assert refused.code == "INCOMPLETE"
    assert "giessen" in refused.body["errors"][0]["message"]
    states_ = {record["counterpart"]: record["state"] for record in home.records(refused.trace)}
    assert states_ == {None: "OK", "giessen": "UNREACHABLE", "offenbach": "OK", "wetzlar": "OK"}


@pytest.mark.parametrize(
    "document",
    [
        '{ datasetFacets(cities: ["giessen"]) { keywords(first: -1) { value } } }',
        '{ datasetFacets(cities: ["giessen"]) { keywords(first: 1001) { value } } }',
        '{ datasetFacets(cities: ["giessen"], filter: {ids: ["x"]}) { total } }',
        '{ datasetFacets(cities: ["giessen"], filter: {bbox: {west: 9, south: 1, east: 8, north: 2}}) { total } }',
        '{ datasetFacets(cities: ["nirgendwo"]) { total } }',
    ],
)
async def test_mistakes_in_facets_are_the_callers(federation, document):
    assert (await federation["offenbach"].ask(document)).code == "BAD_INPUT"
