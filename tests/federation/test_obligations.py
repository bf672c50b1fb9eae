"""Several cities under obligations: what they give together is made of what each releases, whatever is asked, and how."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from policy.model import Tier
from tests.assessed import set_tier
from tests.conftest import TEMPLATE
from tests.federation.cities import Federation

COUNT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation"
DURING = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-01T06:00:00Z"}'
TERMS = ("minimum-count=5", "time=PT1H")
ROWS = """query ($after: String, $filter: ObservationFilter!) { observations(filter: $filter, first: %d, after: $after,
  orderBy: %s, {during}) { nodes { phenomenonTime result datastream { id } } pageInfo { endCursor hasNextPage }
  federation { cities { city obligations } } } }""".replace("{during}", DURING)
SUMS = """query ($filter: ObservationFilter!) { aggregate(filter: $filter, groupBy: [%s], every: "%s", timeZone: "UTC",
  {during}) { groups { city datastream { id } buckets { start count sum min max } }
  federation { cities { city obligations } } } }""".replace("{during}", DURING)
ALL = {"vehicleClasses": ["BICYCLE"]}


@pytest.fixture(scope="module")
def pair(postgres_url, tmp_path_factory):
    """Stations with a total and two directions, and counts that are often small."""
    formed = Federation(tmp_path_factory.mktemp("obliged"))
    dice = random.Random(3)
    for city in ("fulda", "wetzlar"):
        town = formed.add(city, postgres_url, TEMPLATE)
        town.sql("update datastream set observation_type = %s, interval_seconds = 900 where key = 'rad-ein'", (COUNT,))
        town.sql(
            "insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type,"
            " unit, vehicle_class, direction, interval_seconds) select k, dataset_id, 1, 1, 1, k, %s, '1', 'BICYCLE', k, 900"
            " from datastream, unnest(array['ein', 'aus']) k where key = 'rad-ein'",
            (COUNT,),
        )
        town.sql("delete from datastream where key = 'kfz-ein'")
        town.sql("delete from observation")
        ids = dict(town.sql("select key, id from datastream"))
        for quarter in range(24):
            busy = dice.choice((0, 1, 3, 12))
            one, other = dice.randint(0, busy), dice.randint(0, busy)
            for key, result in (("ein", one), ("aus", other), ("rad-ein", one + other)):
                town.sql(
                    "insert into observation values (%s, '2026-01-01Z'::timestamptz + %s * interval '15 min',"
                    " '2026-01-01Z'::timestamptz + (%s + 1) * interval '15 min', %s, 'RAW')",
                    (ids[key], quarter, quarter, result),
                )
        set_tier(town.database_url, "rad", Tier.OPEN, TERMS)
    formed.sign()
    formed.start()
    yield formed
    formed.stop()


async def rows(town, filter_=ALL, first=1000, order="TIME_ASC") -> dict[tuple[str, str], float]:
    found, after = {}, None
    while True:
        answer = await town.ask(ROWS % (first, order), variables={"after": after, "filter": filter_})
        page = answer.data["observations"]
        told = {one["city"]: one["obligations"] for one in page["federation"]["cities"]}
        assert {tuple(obligations) for obligations in told.values()} <= {(), tuple(sorted(TERMS))}
        assert any(told.values())
        for node in page["nodes"]:
            found[node["datastream"]["id"], node["phenomenonTime"]] = node["result"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


async def test_what_is_hidden_is_hidden_in_rows_however_they_are_asked_for(pair):
    released = await rows(pair["fulda"])
    assert 0 < len(released) < 2 * 3 * 6, "something is given, and something is hidden"
    assert all(not 0 < result < 5 for result in released.values())
    assert await rows(pair["wetzlar"], first=2) == released
    assert await rows(pair["fulda"], order="TIME_DESC", first=3) == released
    for low, high in ((0, 0), (0.5, 4.5), (5, 20)):
        part = await rows(pair["fulda"], ALL | {"result": {"min": low, "max": high}})
        assert part == {key: result for key, result in released.items() if low <= result <= high}


@pytest.mark.parametrize("every", ["PT1H", "PT6H"])
@pytest.mark.parametrize("group", ["DATASTREAM", "CITY", ""])
async def test_sums_of_several_cities_are_sums_of_what_each_releases(pair, every, group):
    released = await rows(pair["fulda"])
    expected: dict[tuple[str | None, str], list[float]] = defaultdict(list)
    for (id_, time), result in released.items():
        who = {"DATASTREAM": id_, "CITY": id_.split(":")[0], "": None}[group]
        expected[who, time if every == "PT1H" else "2026-01-01T00:00:00+00:00"].append(result)
    answer = await pair["wetzlar"].ask(SUMS % (group, every), variables={"filter": ALL})
    found = {}
    for one in answer.data["aggregate"]["groups"]:
        who = {"DATASTREAM": (one["datastream"] or {}).get("id"), "CITY": one["city"], "": None}[group]
        for bucket in one["buckets"]:
            if bucket["count"]:
                found[who, bucket["start"]] = tuple(bucket[name] for name in ("count", "sum", "min", "max"))
    assert found == {key: (len(some), sum(some), min(some), max(some)) for key, some in expected.items()}
