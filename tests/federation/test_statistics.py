"""Series and aggregates of all cities at once, from any node."""

from __future__ import annotations

from collections import Counter
from statistics import mean, median, quantiles, stdev, variance

import pytest

from schema.histogram import bin_of
from tests.federation.cities import NAMES

CITIES = sorted(NAMES)
DURING = 'during: {start: "2026-01-01T01:00:00Z", end: "2026-01-01T03:00:00Z"}'
REPORT = "federation { complete cities { city state rows reason } }"
SERIES = "query ($ids: [ID!]!) { series(datastreams: $ids, %s%s) { series { %s } %s } }"
BICYCLES = 'filter: {vehicleClasses: ["BICYCLE"]}'


def bicycles(*cities: str) -> list[str]:
    return [f"{city}:datastream:rad-ein" for city in cities]


def result_in(city: str) -> int:
    """What every observation of a city's bicycles has for a result."""
    return len(city) * 1000 + 1


def states(result) -> dict[str, str]:
    return {row["city"]: row["state"] for row in result["federation"]["cities"]}


async def series(town, ids, selected="datastream { id } times values", more="", token=None):
    answer = await town.ask(SERIES % (DURING, more, selected, REPORT), token, {"ids": ids})
    return answer, answer.data["series"]


@pytest.mark.parametrize("entry", CITIES)
async def test_series_of_all_cities_stand_in_the_order_in_which_they_were_named(federation, entry):
    named = bicycles("wetzlar", "fulda", "offenbach", "giessen", "fulda")
    _, result = await series(federation[entry], named)
    assert [one["datastream"]["id"] for one in result["series"]] == named[:4]
    for one in result["series"]:
        assert one["values"] == [result_in(one["datastream"]["id"].split(":")[0])] * 8
        assert len(one["times"]) == 8
        assert one["times"] == sorted(one["times"])
    assert result["federation"] == {
        "complete": True,
        "cities": [{"city": city, "state": "OK", "rows": 1, "reason": None} for city in CITIES],
    }


async def test_any_entry_node_gives_the_same_series(federation):
    selected = "datastream { id name unit thing { name } } statistic times ends values qualities truncated tooCoarse"
    for more in ("", ", every: PT1H, statistic: SUM", ', every: P1D, timeZone: "Asia/Kathmandu", statistic: MEDIAN'):
        answers = [
            (
                await series(
                    federation[city],
                    bicycles("wetzlar", "fulda"),
                    selected,
                    more.replace("PT1H", '"PT1H"').replace("P1D", '"P1D"'),
                )
            )[1]
            for city in CITIES
        ]
        assert all(answer["series"] == answers[0]["series"] for answer in answers)
        assert answers[0]["series"][0]["values"]


async def test_only_the_owners_are_asked(federation):
    answer, result = await series(federation["offenbach"], bicycles("giessen"))
    assert states(result) == {"fulda": "SKIPPED", "giessen": "OK", "offenbach": "SKIPPED", "wetzlar": "SKIPPED"}
    assert result["federation"]["complete"] is True
    assert federation["fulda"].records(answer.trace) == []
    (mine,) = federation["offenbach"].records(answer.trace)
    assert (mine["role"], mine["counterpart"], mine["action"]) == ("CONSUMER", "giessen", "anonymous:observation:read")
    (theirs,) = federation["giessen"].records(answer.trace)
    assert (theirs["role"], theirs["counterpart"], theirs["rows"]) == ("OWNER", "offenbach", 8)
    assert theirs["datasets"] == ["giessen:dataset:rad"]


async def test_selections_of_a_series_are_as_asked(federation):
    selected = "n: datastream { name } datastream { id } __typename a: values b: values } again: series { t: times"
    _, result = await series(federation["fulda"], bicycles("giessen", "fulda"), selected)
    assert [list(one) for one in result["series"]] == [["n", "datastream", "__typename", "a", "b"]] * 2
    assert result["series"][0]["n"] == {"name": "rad-ein"}
    assert result["series"][0]["a"] == result["series"][0]["b"] == [result_in("giessen")] * 8
    assert [list(one) for one in result["again"]] == [["t"]] * 2


async def test_what_the_caller_may_not_see_is_absent(federation):
    named = [f"{city}:datastream:kfz-ein" for city in ("giessen", "fulda", "offenbach")] + ["giessen:datastream:x"]
    home = federation["offenbach"]
    answer, result = await series(home, named, token=await home.token())
    assert [one["datastream"]["id"] for one in result["series"]] == [named[0], named[2]]
    assert states(result)["fulda"] == "OK", "absent and forbidden look the same"
    (refused,) = [record for record in federation["fulda"].records(answer.trace) if record["datasets"]]
    assert (refused["decision"], refused["datasets"]) == ("DENY", ["fulda:dataset:kfz"])
    _, result = await series(home, named)
    assert result["series"] == []


async def test_a_city_that_is_down_costs_its_own_series_only(healthy):
    healthy["giessen"].process.kill()
    _, result = await series(healthy["fulda"], bicycles("giessen", "wetzlar"))
    assert [one["datastream"]["id"] for one in result["series"]] == bicycles("wetzlar")
    assert states(result)["giessen"] == "UNREACHABLE"
    assert result["federation"]["complete"] is False
    answer = await healthy["fulda"].ask(
        SERIES % (DURING, ", require: ALL", "times", REPORT), None, {"ids": bicycles("giessen", "wetzlar")}
    )
    assert answer.code == "INCOMPLETE"
    _, result = await series(healthy["fulda"], bicycles("wetzlar"), more=", require: ALL")
    assert len(result["series"]) == 1, "who has nothing to give is not missing"


async def test_a_city_that_is_slow_costs_its_own_groups_only(healthy):
    healthy["wetzlar"].freeze()
    answer = await healthy["fulda"].ask(
        "{ aggregate(%s, %s, groupBy: [CITY]) { groups { city } %s } }" % (BICYCLES, DURING, REPORT)
    )
    result = answer.data["aggregate"]
    assert [group["city"] for group in result["groups"]] == ["fulda", "giessen", "offenbach"]
    assert states(result)["wetzlar"] == "TIMEOUT"


@pytest.mark.parametrize("entry", CITIES)
async def test_groups_of_all_cities_stand_city_by_city(federation, entry):
    document = """{ aggregate(%s, %s, every: "PT1H", groupBy: [CITY]) {
        groups { city unit observedProperty { key } buckets { start count sum max quantile(at: 0.5) } } %s } }"""
    result = (await federation[entry].ask(document % (BICYCLES, DURING, REPORT))).data["aggregate"]
    assert [group["city"] for group in result["groups"]] == CITIES
    for group in result["groups"]:
        one = result_in(group["city"])
        assert (group["unit"], group["observedProperty"]) == ("1", {"key": "traffic-count"})
        assert [bucket["start"][11:16] for bucket in group["buckets"]] == ["01:00", "02:00"]
        for bucket in group["buckets"]:
            assert (bucket["count"], bucket["sum"], bucket["max"]) == (4, 4 * one, one)
            assert bucket["quantile"] == one
    assert result["federation"]["complete"] is True
    assert {row["rows"] for row in result["federation"]["cities"]} == {1}


ALL_OF_IT = """start end count sum avg min max stddev squaredDeviations quantileError coverage expected missing
    median: quantile(at: 0.5) low: quantile(at: 0.1) histogram { bins counts }"""


@pytest.mark.parametrize("entry", CITIES)
async def test_what_cities_have_in_common_is_put_together(federation, entry):
    document = """{ aggregate(%s, %s, every: "PT1H") {
        groups { city cities unit observedProperty { key } thing { id } vehicleClass datastreamCount tooCoarse { id }
            buckets { %s } } %s } }"""
    answer = await federation[entry].ask(document % (BICYCLES, DURING, ALL_OF_IT, REPORT))
    result = answer.data["aggregate"]
    assert result["federation"]["complete"] is True
    (group,) = result["groups"]
    buckets = group.pop("buckets")
    assert group == {
        "city": None,
        "cities": CITIES,
        "unit": "1",
        "observedProperty": {"key": "traffic-count"},
        "thing": None,
        "vehicleClass": "BICYCLE",
        "datastreamCount": 4,
        "tooCoarse": [],
    }
    observed = sorted(result_in(city) for city in CITIES for _ in range(4))
    for hour, bucket in enumerate(buckets, 1):
        assert bucket["start"] == f"2026-01-01T{hour:02}:00:00+00:00"
        assert bucket["end"] == f"2026-01-01T{hour + 1:02}:00:00+00:00"
        assert (bucket["count"], bucket["sum"]) == (16, sum(observed))
        assert (bucket["min"], bucket["max"]) == (observed[0], observed[-1])
        assert bucket["avg"] == pytest.approx(mean(observed))
        assert bucket["stddev"] == pytest.approx(stdev(observed))
        assert bucket["squaredDeviations"] == pytest.approx(variance(observed) * 15)
        assert bucket["quantileError"] == 0.01
        assert bucket["median"] == pytest.approx(median(observed), rel=0.01)
        assert bucket["low"] == pytest.approx(quantiles(observed, n=10, method="inclusive")[0], rel=0.01)
        counts = sorted(Counter(map(bin_of, observed)).items())
        assert list(zip(bucket["histogram"]["bins"], bucket["histogram"]["counts"], strict=True)) == counts
        assert (bucket["coverage"], bucket["expected"], bucket["missing"]) == (None, None, None), (
            "they have no interval"
        )


async def test_gaps_and_the_day_before_are_put_together_too(federation):
    document = """{ aggregate(%s, during: {start: "2026-01-02T04:00:00Z", end: "2026-01-02T06:00:00Z"}, every: "PT1H",
        compareWith: "P1D") { groups { buckets { %s
            previous { __typename start count sum missing quantile(at: 1) } } } } }"""
    answer = await federation["fulda"].ask(document % (BICYCLES, ALL_OF_IT))
    ((first, second),) = (group["buckets"] for group in answer.data["aggregate"]["groups"])
    total = 4 * sum(map(result_in, CITIES))
    assert first.pop("previous") == {
        "__typename": "AggregateBucket",
        "start": "2026-01-01T04:00:00+00:00",
        "count": 16,
        "sum": total,
        "missing": None,
        "quantile": pytest.approx(max(map(result_in, CITIES)), rel=0.01),
    }
    assert second["previous"]["count"] == 16
    unknown = ("sum", "avg", "min", "max", "stddev", "squaredDeviations", "median", "low", "histogram")
    assert first == {
        "start": "2026-01-02T04:00:00+00:00",
        "end": "2026-01-02T05:00:00+00:00",
        "count": 0,
        **dict.fromkeys(unknown),
        "quantileError": 0,
        "coverage": None,
        "expected": None,
        "missing": None,
    }


async def test_what_only_one_city_has_is_exact(federation):
    """Alone it is its own group; in a bucket alone, its quantiles are its own."""
    home = federation["offenbach"]
    document = """{ aggregate(filter: {}, %s, groupBy: [VEHICLE_CLASS]) {
        groups { city cities vehicleClass datastreamCount buckets { count quantileError quantile(at: 0.3) } } } }"""
    groups = (await home.ask(document % DURING, await home.token())).data["aggregate"]["groups"]
    assert [(group["vehicleClass"], group["cities"]) for group in groups] == [
        ("BICYCLE", CITIES),
        ("CAR", ["giessen", "offenbach", "wetzlar"]),
    ]
    named = '{ aggregate(cities: %s, filter: {datastreams: ["giessen:datastream:rad-ein"]}, %s) { groups { city cities'
    named += " buckets { count quantileError quantile(at: 0.3) } } } }"
    exact = {"count": 8, "quantileError": 0, "quantile": result_in("giessen")}
    for cities in ('["giessen"]', '["giessen", "fulda"]'):
        (group,) = (await home.ask(named % (cities, DURING))).data["aggregate"]["groups"]
        assert group == {"city": "giessen", "cities": ["giessen"], "buckets": [exact]}


async def test_observations_stay_where_they_are(federation):
    answer = await federation["offenbach"].ask(
        "{ aggregate(%s, %s) { groups { buckets { avg } } } }" % (BICYCLES, DURING)
    )
    for city in CITIES:
        (record,) = [one for one in federation[city].records(answer.trace) if one["role"] == "OWNER"]
        assert record["rows"] == 1, "a bucket"


async def test_a_city_that_is_away_is_missing_from_the_sum_and_told(healthy):
    healthy["giessen"].process.kill()
    document = "{ aggregate(%s, %s) { groups { cities buckets { count } } %s } }" % (BICYCLES, DURING, REPORT)
    result = (await healthy["fulda"].ask(document)).data["aggregate"]
    assert result["groups"] == [{"cities": ["fulda", "offenbach", "wetzlar"], "buckets": [{"count": 24}]}]
    assert states(result)["giessen"] == "UNREACHABLE"
    assert result["federation"]["complete"] is False


async def test_cities_that_are_named_stand_as_named(federation):
    document = '{ aggregate(cities: ["wetzlar", "fulda", "wetzlar"], %s, %s, groupBy: [CITY]) { groups { city } %s } }'
    result = (await federation["offenbach"].ask(document % (BICYCLES, DURING, REPORT))).data["aggregate"]
    assert [group["city"] for group in result["groups"]] == ["wetzlar", "fulda"]
    assert states(result) == {"fulda": "OK", "wetzlar": "OK"}


async def test_groups_count_what_the_caller_may_see(federation):
    home = federation["offenbach"]
    document = "{ aggregate(filter: {}, %s, groupBy: [VEHICLE_CLASS, CITY]) { groups { city vehicleClass } } }" % DURING
    groups = (await home.ask(document, await home.token())).data["aggregate"]["groups"]
    assert {(group["city"], group["vehicleClass"]) for group in groups} == {
        *((city, "BICYCLE") for city in CITIES),
        *((city, "CAR") for city in ("giessen", "offenbach", "wetzlar")),
    }
    groups = (await home.ask(document)).data["aggregate"]["groups"]
    assert {group["vehicleClass"] for group in groups} == {"BICYCLE"}


async def test_both_sides_keep_a_record_of_an_aggregate(federation):
    home, owner = federation["offenbach"], federation["giessen"]
    document = '{ aggregate(cities: ["giessen"], filter: {}, %s) { groups { city } } }' % DURING
    answer = await home.ask(document, await home.token())
    (mine,) = home.records(answer.trace)
    assert (mine["role"], mine["counterpart"], mine["state"], mine["rows"]) == ("CONSUMER", "giessen", "OK", 1)
    (theirs,) = owner.records(answer.trace)
    assert (theirs["action"], theirs["decision"], theirs["purpose"]) == (
        "peer:observation:read",
        "PERMIT",
        "traffic-planning",
    )
    assert theirs["datasets"] == ["giessen:dataset:kfz", "giessen:dataset:rad"]


@pytest.mark.parametrize(
    "document",
    [
        'series(datastreams: ["giessen:thing:x"], %s) { series { times } }',
        'series(datastreams: ["giessen:datastream:x"], %s, every: "P2D") { series { times } }',
        'series(datastreams: ["giessen:datastream:x"], %s, every: "P1D", timeZone: "Mars/Olympus") { series { times } }',
        'aggregate(cities: ["giessen"], filter: {}, %s, timeZone: "Mars/Olympus", every: "P1D") { groups { city } }',
        'aggregate(cities: ["giessen"], filter: {things: ["x"]}, %s) { groups { city } }',
        'aggregate(cities: ["nirgendwo"], filter: {}, %s) { groups { city } }',
    ],
)
async def test_mistakes_are_the_callers_also_if_only_peers_are_asked(federation, document):
    answer = await federation["offenbach"].ask("{ %s }" % document % DURING)
    assert answer.code in {"BAD_INPUT", "BAD_USER_INPUT", "INVALID"}
    assert federation["giessen"].records(answer.trace) == []


@pytest.mark.parametrize("cities", [["giessen"], None])
async def test_a_document_serves_whatever_its_variables_have_in_common(federation, cities):
    """The same document with equal and with other values: how parts are shared for one must not be kept for all."""
    document = """query ($cities: [ID!], $a: Float!, $b: Float!, $first: Int!, $more: Int!) {
        aggregate(cities: $cities, %s, %s, groupBy: [CITY]) { groups { x: buckets { q: quantile(at: $a) }
            y: buckets { q: quantile(at: $b) } z: datastream { observations(first: $first) { nodes { result } } }
            datastream { observations(first: $more) { nodes { result } } } } %s } }"""
    for a, b, first, more in ((0.5, 0.5, 1, 1), (0.5, 0.9, 1, 2), (0.1, 0.1, 3, 3), (0.2, 0.3, 2, 1)):
        variables = {"cities": cities, "a": a, "b": b, "first": first, "more": more}
        answer = await federation["fulda"].ask(document % (BICYCLES, DURING, REPORT), None, variables)
        result = answer.data["aggregate"]
        assert result["federation"]["complete"] is True, result["federation"]
        assert len(result["groups"]) == len(cities or CITIES)
        for group in result["groups"]:
            assert len(group["z"]["observations"]["nodes"]) == first
            assert len(group["datastream"]["observations"]["nodes"]) == more
            assert group["x"][0].keys() == group["y"][0].keys() == {"q"}
