"""Every filter against plain Python over the same rows."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import psycopg
import pytest

from schema.errors import BadInput
from tests.integration.store.conftest import ALL, OPEN

NAMES = {
    "datasets": "query ($f: DatasetFilter) { datasets(filter: $f, first: 500) { nodes { id } } }",
    "things": "query ($f: ThingFilter) { things(filter: $f, first: 500) { nodes { id } } }",
    "datastreams": "query ($f: DatastreamFilter) { datastreams(filter: $f, first: 500) { nodes { id } } }",
}


async def keys(store, field, readable=ALL, **filters):
    return {row["id"].split(":")[2] for row in await store.rows(NAMES[field], readable, f=filters)}


@pytest.fixture
def details(database_url, store):
    with psycopg.connect(database_url) as connection:
        connection.execute("""
            update dataset set languages = '{DEU,ENG}', accrual_periodicity = 'DAILY', issued = '2024-05-01Z',
                               hvd_category = 'http://data.europa.eu/bna/c_b79e35eb' where key = 'rad';
            update dataset set languages = '{DEU}', accrual_periodicity = 'ANNUAL', issued = '2025-05-01Z' where key = 'luft';
            update distribution set format = 'CSV' where position = 0;
            insert into distribution (dataset_id, position, access_url, format) values (3, 0, 'https://x.example', 'JSON');
            insert into dataset (key, title, title_sort, tier, digest) values ('leer', 'Leer', 'leer', 'OPEN', '');
            update datastream set direction = 'stadteinwärts', phenomenon_start = '2025-01-01Z', phenomenon_end = '2025-07-01Z'
             where key = 'rad-ein';
            update datastream set direction = 'stadtauswärts', phenomenon_start = '2026-01-01Z' where key = 'rad-aus';
        """)
    return store


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"languages": ["ENG", "FRA"]}, {"rad"}),
        ({"languages": ["DEU"]}, {"rad", "luft"}),
        ({"accrualPeriodicities": ["ANNUAL", "WEEKLY"]}, {"luft"}),
        ({"hvdCategories": ["http://data.europa.eu/bna/c_b79e35eb"]}, {"rad"}),
        ({"isHighValue": True}, {"rad"}),
        ({"isHighValue": False}, {"kfz", "luft", "akten", "leer"}),
        ({"hasDatastreams": False}, {"leer"}),
        ({"hasDatastreams": True}, {"rad", "kfz", "luft", "akten"}),
        ({"formats": ["CSV"]}, {"rad"}),
        ({"formats": ["CSV", "JSON"]}, {"rad", "luft"}),
        ({"licences": ["dl-by-de/2.0"]}, {"rad"}),
        ({"licences": ["cc-zero"]}, set()),
        ({"vehicleClasses": ["CAR"]}, {"kfz"}),
        ({"issued": {"start": "2024-05-01T00:00:00Z"}}, {"rad", "luft"}),
        ({"issued": {"end": "2025-05-01T00:00:00Z"}}, {"rad"}),
        ({"issued": {"start": "2024-05-02T00:00:00+02:00", "end": "2026-01-01T00:00:00Z"}}, {"luft"}),
        ({"issued": {}}, {"rad", "luft"}),
        ({"modified": {"start": "2026-01-02T00:00:00Z", "end": "2026-01-03T00:00:00Z"}}, {"luft"}),
        ({"modifiedSince": "2026-01-02T00:00:00Z"}, {"rad", "luft"}),
        ({"themes": ["TRAN"], "publishers": ["Amt für Verkehr"], "tiers": ["OPEN"]}, {"rad"}),
    ],
)
async def test_datasets(details, filters, expected):
    assert await keys(details, "datasets", (1, 2, 3, 4, 5), **filters) == expected


@pytest.mark.parametrize(
    ("filters", "readable", "expected"),
    [
        ({"datasets": ["giessen:dataset:rad"]}, ALL, {"s1"}),
        ({"datasets": ["giessen:dataset:kfz", "fulda:dataset:rad"]}, ALL, {"s1", "s2"}),
        ({"datasets": ["giessen:dataset:kfz"]}, OPEN, set()),
        ({"vehicleClasses": ["CAR"]}, ALL, {"s1", "s2"}),
        ({"vehicleClasses": ["CAR"]}, OPEN, set()),
        ({"observedProperties": ["pm10"]}, ALL, {"s2", "s3"}),
    ],
)
async def test_things(details, filters, readable, expected):
    assert await keys(details, "things", readable, **filters) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"units": ["ug/m3"]}, {"luft-1"}),
        ({"directions": ["stadteinwärts"]}, {"rad-ein"}),
        ({"activeSince": "2025-07-01T00:00:00Z"}, {"rad-ein"}),
        ({"activeSince": "2025-07-01T00:00:01Z"}, set()),
        ({"phenomenonTime": {}}, {"rad-ein", "rad-aus"}),
        ({"phenomenonTime": {"start": "2025-12-01T00:00:00Z"}}, {"rad-aus"}),
        ({"phenomenonTime": {"end": "2026-01-01T00:00:00Z"}}, {"rad-ein"}),
        ({"phenomenonTime": {"start": "2025-06-30T00:00:00Z", "end": "2026-01-02T00:00:00Z"}}, {"rad-ein", "rad-aus"}),
        ({"near": {"longitude": 8.65, "latitude": 50.55, "radiusMetres": 10}}, {"rad-ein", "rad-aus", "kfz-ein"}),
    ],
)
async def test_datastreams(details, filters, expected):
    assert await keys(details, "datastreams", **filters) == expected


async def test_observations_by_result_and_direction(details):
    document = """query ($f: ObservationFilter!) { observations(filter: $f, first: 10000,
        during: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}) { nodes { result quality } } }"""

    async def results(**filters):
        return [row["result"] for row in await details.rows(document, f=filters)]

    assert set(await results(result={"min": 110, "max": 111}, directions=["stadteinwärts"])) == {110, 111}
    assert set(await results(result={"max": 101}, vehicleClasses=["BICYCLE"])) == {100, 101}
    assert set(await results(result={"min": 623})) == {623}
    assert None not in await results(result={}, directions=["stadtauswärts"])
    assert None in await results(directions=["stadtauswärts"])
    assert len(await results(units=["ug/m3"])) == 96


async def test_nested_lists_are_filtered(details):
    thing, _ = await details.one("""{ thing(id: "giessen:thing:s1") {
        cars: datastreams(filter: {vehicleClasses: ["CAR"]}) { totalCount nodes { name } }
        all: datastreams(orderBy: PHENOMENON_END_DESC, first: 1) { totalCount nodes { name
            few: observations(filter: {result: {min: 123}, qualities: [RAW]}) { nodes { result } } } }
        text: datastreams(filter: {text: "ein"}, orderBy: RELEVANCE) { nodes { name } }
        near: datastreams(filter: {near: {longitude: 8.65, latitude: 50.55, radiusMetres: 1}}, orderBy: DISTANCE) { totalCount } } }""")
    assert thing["cars"] == {"totalCount": 1, "nodes": [{"name": "Kfz ein"}]}
    assert thing["all"]["totalCount"] == 3
    assert thing["all"]["nodes"] == [{"name": "Rad ein", "few": {"nodes": [{"result": 123}] * 4}}]
    assert thing["near"] == {"totalCount": 3}


RADIUS = 6_371_008.8


def metres(longitude1, latitude1, longitude2, latitude2):
    """By the angle between vectors: another formula than the database's."""
    one, other = (
        (
            math.cos(math.radians(lat)) * math.cos(math.radians(lon)),
            math.cos(math.radians(lat)) * math.sin(math.radians(lon)),
            math.sin(math.radians(lat)),
        )
        for lon, lat in ((longitude1, latitude1), (longitude2, latitude2))
    )
    cross = math.hypot(
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )
    return RADIUS * math.atan2(cross, sum(a * b for a, b in zip(one, other, strict=True)))


EDGES = [(180, 0), (-180, 0), (179.999, 10), (-179.999, 10), (0, 90), (77, 90), (-120, 89.95), (0, -90), (8.7, 50.1)]


async def test_near_across_poles_and_date_line(store, database_url):
    chance = random.Random(11)
    places = EDGES + [(chance.uniform(-180, 180), math.degrees(math.asin(chance.uniform(-1, 1)))) for _ in range(250)]
    places += [(lon + chance.gauss(0, 0.5), lat) for lon, lat in EDGES if abs(lon) < 179 for _ in range(10)]
    with psycopg.connect(database_url) as connection:
        for number, (longitude, latitude) in enumerate(places):
            connection.execute(
                "insert into thing (key, name, longitude, latitude) values (%s, 'x', %s, %s)",
                (f"p{number}", longitude, latitude),
            )
        connection.execute("""
            insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit)
            select 'of-' || key, 1, id, 1, 1, 'x', 'count', '1' from thing where key like 'p%'""")
    middles = EDGES + [(chance.uniform(-180, 180), chance.uniform(-90, 90)) for _ in range(10)]
    document = """query ($f: ThingFilter) { things(filter: $f, orderBy: DISTANCE, first: 500) { nodes { id } } }"""
    for longitude, latitude in middles:
        for radius in (5_000, 300_000, 1_000_000):
            near = {"longitude": longitude, "latitude": latitude, "radiusMetres": radius}
            found = [row["id"].split(":")[2] for row in await store.rows(document, (1,), f={"near": near})]
            far = {f"p{n}": metres(longitude, latitude, *place) for n, place in enumerate(places)}
            assert {key for key in found if key in far} == {key for key, way in far.items() if way <= radius}, near
            ways = [far[key] for key in found if key in far]
            assert all(way <= later + 0.1 for way, later in pairwise(ways)), near


async def test_a_box_is_near_if_one_of_its_points_is(store, database_url):
    chance = random.Random(5)
    with psycopg.connect(database_url) as connection:
        for _ in range(150):
            west, south = chance.uniform(-180, 170), chance.uniform(-90, 80)
            east, north = west + chance.uniform(0, 180 - west) ** 0.9, south + chance.uniform(0, 90 - south)
            longitude, latitude = chance.uniform(-180, 180), chance.uniform(-90, 90)
            (way,) = connection.execute(
                "select metres_to_box(%s, %s, %s, %s, %s, %s)", (longitude, latitude, west, south, east, north)
            ).fetchone()
            grid = min(
                metres(longitude, latitude, west + (east - west) * i / 60, south + (north - south) * j / 60)
                for i in range(61)
                for j in range(61)
            )
            if way < 5_000_000:  # radii end at 1000 km
                assert way <= grid + 1e-3
                assert grid - way < metres(0, 0, (east - west) / 60, 0) + metres(0, 0, 0, (north - south) / 60)
    assert await keys(store, "datasets", near={"longitude": 8.71, "latitude": 50.55, "radiusMetres": 1000}) == {"rad"}
    assert await keys(store, "datasets", near={"longitude": 8.80, "latitude": 50.60, "radiusMetres": 10}) == {
        "kfz",
        "luft",
    }


@pytest.mark.parametrize(
    ("field", "filters", "told"),
    [
        ("things", {"near": {"longitude": 200, "latitude": 0, "radiusMetres": 1}}, "near"),
        ("datasets", {"near": {"longitude": 0, "latitude": 0, "radiusMetres": -1}}, "radiusMetres"),
        ("datasets", {"issued": {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}}, "issued"),
        ("datastreams", {"phenomenonTime": {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}}, "phenomenonTime"),
    ],
)  # fmt: skip
async def test_what_can_not_be_meant_is_told(store, field, filters, told):
    with pytest.raises(BadInput, match=told) as caught:
        await keys(store, field, **filters)
    assert caught.value.hint
    with pytest.raises(BadInput, match="DISTANCE"):
        await store.rows("{ things(orderBy: DISTANCE) { nodes { id } } }")
