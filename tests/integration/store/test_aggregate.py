"""Aggregates: who may see what, limits, the calendar, overlaps and gaps as examples."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import psycopg
import pytest

from node.store.limits import PageLimits
from node.store.reader import Reader
from node.store.reading_role import ENTER
from node.store.row_grant import NOTHING_GRANTED, Series, row_grant
from node.store.sessions import Sessions
from node.store.statistics.buckets import EVERY, borders
from node.store.statistics.zones import zone_of
from schema.errors import BadInput, TooCostly
from tests.integration.store.conftest import OPEN, Store, scope_of
from tests.unit.schema.test_selection import tree

DAY = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}'
YEAR = 'during: {start: "2026-01-01T00:00:00Z", end: "2027-01-01T00:00:00Z"}'


async def groups(store, arguments: str, selection: str, **kwargs):
    answer, part = await store.part("{ aggregate(%s) { groups { %s } } }" % (arguments, selection), **kwargs)
    return answer["groups"], part


@pytest.fixture
async def hourly(database_url):
    """One datastream of quarters of an hour on 1 June 2026, to be filled by the test."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            """
            insert into dataset (key, title, title_sort, digest) values ('d', 'D', 'd', '');
            insert into thing (key, name) values ('t', 'T');
            insert into sensor (key, name) values ('s', 'S');
            insert into observed_property (key, name, definition) values ('p', 'P', '');
            insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit, interval_seconds)
            values ('q', 1, 1, 1, 1, 'Q', '', '1', 900);
            create table observation_y2026 partition of observation for values from ('2026-01-01 00:00+00') to ('2027-01-01 00:00+00');
            """
        )

        def fill(*rows: tuple[str, str, float | None]):
            for start, end, result in rows:
                connection.execute(
                    "insert into observation values (1, %s, %s, %s, %s)",
                    (f"2026-06-01T{start}Z", f"2026-06-01T{end}Z", result, "MISSING" if result is None else "RAW"),
                )

        async with Sessions(database_url, size=1, statement_ms=5000, name="test") as sessions:
            yield Store(Reader(sessions, "giessen", PageLimits())), fill


async def hours(store, selection: str = "count sum coverage expected missing", every: str = "PT1H", to: str = "02:00"):
    found, _ = await groups(
        store,
        'filter: {}, every: "%s", during: {start: "2026-06-01T00:00:00Z", end: "2026-06-01T%s:00Z"}' % (every, to),
        "tooCoarse { id } buckets { %s }" % selection,
        readable=(1,),
    )
    return found[0]["buckets"]


async def test_a_gap_is_not_zero(hourly):
    store, fill = hourly
    fill(("00:00", "00:15", 0), ("00:15", "00:30", 0), ("00:30", "00:45", None))
    assert await hours(store) == [
        {"count": 2, "sum": 0, "coverage": 0.5, "expected": 4, "missing": 2},
        {"count": 0, "sum": None, "coverage": 0, "expected": 4, "missing": 4},
    ]


async def test_a_mean_that_is_too_small_for_a_float_is_zero(hourly):
    store, fill = hourly
    fill(("00:00", "00:15", 5e-324), ("00:15", "00:30", 0), ("01:00", "01:15", 5e-324))
    assert await hours(store, "avg stddev") == [{"avg": 0, "stddev": 0}, {"avg": 5e-324, "stddev": None}]


async def test_an_hourly_total_stands_for_its_quarters(hourly):
    store, fill = hourly
    fill(("00:00", "01:00", 40), ("00:15", "00:30", 10), ("00:30", "00:45", 10), ("00:45", "01:00", 10))
    fill(("01:00", "01:15", 7))
    assert [one["sum"] for one in await hours(store)] == [40, 7]


async def test_a_total_that_comes_later_is_passed_over(hourly):
    store, fill = hourly
    fill(("00:00", "00:15", 1), ("00:15", "00:30", 1), ("00:20", "00:45", 100), ("00:30", "00:45", 1))
    assert (await hours(store))[0] == {"count": 3, "sum": 3, "coverage": 0.75, "expected": 4, "missing": 1}


async def test_what_is_longer_than_a_bucket_does_not_count(hourly):
    store, fill = hourly
    fill(("00:00", "01:00", 40), ("00:15", "00:30", 10))
    assert [one["sum"] for one in await hours(store, every="PT30M", to="01:00")] == [10, None]


async def test_an_observation_counts_where_it_starts_and_covers_where_it_lies(hourly):
    store, fill = hourly
    fill(("00:50", "01:10", 6))
    found = await hours(store, "sum coverage", to="01:05")
    assert found == [{"sum": 6, "coverage": pytest.approx(1 / 6)}, {"sum": None, "coverage": 1}]


async def test_an_instant_within_an_interval_is_passed_over(hourly):
    store, fill = hourly
    fill(("00:00", "00:15", 1), ("00:07", "00:07", 100), ("00:15", "00:15", 5))
    assert (await hours(store))[0]["sum"] == 6


@pytest.mark.parametrize("granted", [True, False])
async def test_the_reading_role_gets_the_same_and_nothing_beyond_its_grant(hourly, database_url, granted):
    open_store, fill = hourly
    fill(("00:00", "00:15", 1), ("00:10", "00:25", 100), ("00:15", "00:30", 2), ("01:00", "01:15", 3))
    arguments = 'filter: {}, every: "PT1H", compareWith: "P1D", during: {start: "2026-06-01T00:00:00Z", end: "2026-06-01T02:00:00Z"}'
    document = (
        "{ aggregate(%s) { groups { datastream { id } buckets { count sum coverage previous { count } } } } }"
        % arguments
    )
    expected, _ = await open_store.part(document, readable=(1,))
    assert [bucket["sum"] for bucket in expected["groups"][0]["buckets"]] == [3, 3]
    rows = row_grant({1}, {1}, [Series(1, 1, 1)]) if granted else NOTHING_GRANTED
    async with Sessions(database_url, size=1, statement_ms=5000, name="test", on_open=[ENTER]) as sessions:
        part = await Reader(sessions, "giessen", PageLimits()).parts(await tree(document), scope_of((1,), rows=rows))
    assert orjson.loads(part.members["groups"]) == (expected["groups"] if granted else [])


async def test_intervals_that_are_too_long_are_named(store, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("update datastream set interval_seconds = 900")
        connection.execute("update datastream set interval_seconds = 3600 where key = 'rad-aus'")
    arguments = 'filter: {vehicleClasses: ["BICYCLE"]}, every: "%s", ' + DAY
    selection = "datastreamCount tooCoarse { id } buckets { count expected }"
    fine, _ = await groups(store, arguments % "PT15M", selection)
    assert (fine[0]["datastreamCount"], fine[0]["tooCoarse"]) == (1, [{"id": "giessen:datastream:rad-aus"}])
    assert {(one["count"], one["expected"]) for one in fine[0]["buckets"]} == {(1, 1)}
    coarse, _ = await groups(store, arguments % "PT1H", selection)
    assert (coarse[0]["datastreamCount"], coarse[0]["tooCoarse"]) == (2, [])
    assert coarse[0]["buckets"][1] == {"count": 8, "expected": 5}


async def test_groups_never_mix_units_or_properties(store):
    found, part = await groups(
        store, "filter: {}, " + DAY, "unit observedProperty { key } datastreamCount buckets { count }"
    )
    assert [(one["observedProperty"]["key"], one["unit"], one["datastreamCount"]) for one in found] == [
        ("pm10", "1", 1),
        ("pm10", "ug/m3", 1),
        ("traffic-count", "1", 4),
    ]
    assert part.datasets == {"rad", "kfz", "luft", "akten"}
    assert part.rows == 3


async def test_only_what_the_caller_may_observe_counts(store):
    selection = "datastreamCount vehicleClass buckets { count sum }"
    everything, _ = await groups(store, 'filter: {things: ["giessen:thing:s1"]}, ' + DAY, selection)
    some, part = await groups(store, 'filter: {things: ["giessen:thing:s1"]}, ' + DAY, selection, observable=OPEN)
    assert everything[0]["datastreamCount"] == 3
    assert some == [
        {
            "datastreamCount": 2,
            "vehicleClass": "BICYCLE",
            "buckets": [{"count": 188, "sum": some[0]["buckets"][0]["sum"]}],
        }
    ]
    assert part.datasets == {"rad"}
    none, part = await groups(
        store, 'filter: {datastreams: ["giessen:datastream:kfz-ein"]}, ' + DAY, selection, observable=OPEN
    )
    assert none == []
    assert part.rows == 0
    assert part.datasets == frozenset()
    assert part.denied == {"kfz"}


async def test_catalog_rights_are_needed_too(store):
    found, _ = await groups(store, "filter: {}, " + DAY, "unit", readable=(3,), observable=(1, 2, 3))
    assert [one["unit"] for one in found] == ["ug/m3"]


async def test_objects_of_a_group(store):
    found, _ = await groups(
        store,
        "filter: {}, groupBy: [THING, VEHICLE_CLASS, DATASTREAM, THING], " + DAY,
        "__typename city thing { id name location { longitude } } datastream { id latest { result }"
        " observations(first: 1, orderBy: TIME_ASC) { nodes { phenomenonTime } } } b: buckets { __typename start }",
    )
    rad = next(one for one in found if one["datastream"]["id"] == "giessen:datastream:rad-ein")
    assert rad == {
        "__typename": "AggregateGroup",
        "city": "giessen",
        "thing": {"id": "giessen:thing:s1", "name": "Brücke", "location": {"longitude": 8.65}},
        "datastream": {
            "id": "giessen:datastream:rad-ein",
            "latest": {"result": 123},
            "observations": {"nodes": [{"phenomenonTime": "2026-01-01T00:00:00+00:00"}]},
        },
        "b": [{"__typename": "AggregateBucket", "start": "2026-01-01T00:00:00+00:00"}],
    }


async def test_several_lists_of_groups_in_one_answer(store):
    answer, _ = await store.part(
        "{ aggregate(filter: {}, %s) { __typename a: groups { unit } b: groups { buckets { count } c: buckets { q: quantile(at: 0) r: quantile(at: 1) } } } }"
        % DAY
    )
    assert answer["__typename"] == "AggregateResult"
    assert [one["unit"] for one in answer["a"]] == ["1", "ug/m3", "1"]
    assert answer["b"][0] == {"buckets": [{"count": 96}], "c": [{"q": 600, "r": 623}]}


@pytest.mark.parametrize("every", ["PT15M", "PT30M", "PT1H", "P1D", "P1W", "P1M", "P3M", "P1Y"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_buckets_are_those_of_postgresql_where_no_midnight_comes_twice(database_url, every, zone):
    start, end = datetime(2026, 1, 3, 7, 5, tzinfo=UTC), datetime(2027, 1, 3, tzinfo=UTC)
    if EVERY[every].follows_utc:
        end = datetime(2026, 3, 30, tzinfo=UTC)
    unit = {"P1D": "day", "P1W": "week", "P1M": "month", "P3M": "quarter", "P1Y": "year"}.get(every)
    truncated = (
        "date_trunc(%(unit)s, t, %(zone)s)" if unit else "date_bin(make_interval(secs => %(length)s), t, '2000-01-01Z')"
    )
    values = {"unit": unit, "zone": zone, "length": EVERY[every].longest, "start": start, "end": end}
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            f"select distinct greatest({truncated}, %(start)s) from generate_series(%(start)s::timestamptz,"
            " %(end)s::timestamptz - interval '1 microsecond', interval '5 min') t order by 1",
            values,
        ).fetchall()
    assert [row[0] for row in rows] == list(borders(start, end, EVERY[every], zone_of(zone))[:-1])


async def test_a_year_before(database_url, store):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "create table observation_y2025 partition of observation"
            " for values from ('2025-01-01 00:00+00') to ('2026-01-01 00:00+00')"
        )
        connection.execute("insert into observation values (1, '2025-01-01 05:00Z', '2025-01-01 05:15Z', 7, 'RAW')")
    found, _ = await groups(
        store,
        'filter: {datastreams: ["giessen:datastream:rad-ein"]}, every: "P1D", timeZone: "UTC", compareWith: "P1Y",'
        ' during: {start: "2026-01-01T00:00:00Z", end: "2026-01-03T00:00:00Z"}',
        "buckets { start count previous { start end count sum previous { count } } }",
    )
    assert found[0]["buckets"] == [
        {
            "start": "2026-01-01T00:00:00+00:00",
            "count": 96,
            "previous": {
                "start": "2025-01-01T00:00:00+00:00",
                "end": "2025-01-02T00:00:00+00:00",
                "count": 1,
                "sum": 7,
                "previous": None,
            },
        },
        {
            "start": "2026-01-02T00:00:00+00:00",
            "count": 0,
            "previous": {
                "start": "2025-01-02T00:00:00+00:00",
                "end": "2025-01-03T00:00:00+00:00",
                "count": 0,
                "sum": None,
                "previous": None,
            },
        },
    ]


async def test_without_a_comparison_there_is_no_previous(store):
    found, _ = await groups(store, "filter: {}, " + DAY, "buckets { previous { count } }")
    assert found[0]["buckets"] == [{"previous": None}]


@pytest.mark.parametrize(
    "arguments",
    [
        'every: "PT7M", ' + DAY,
        'every: "P1D", timeZone: "Mars/Olympus", ' + DAY,
        'timeZone: "", ' + DAY,
        'every: "P1D", compareWith: "PT1H", ' + DAY,
        'every: "P1W", compareWith: "P1Y", ' + DAY,
        'during: {start: "2026-01-02T00:00:00Z", end: "2026-01-02T00:00:00Z"}',
    ],
)
async def test_bad_arguments_name_the_field_and_the_remedy(store, arguments):
    for read in (
        groups(store, "filter: {}, " + arguments, "buckets { count }"),
        groups(store, "filter: {}, " + arguments, "unit"),
    ):
        with pytest.raises(BadInput) as caught:
            await read
        assert caught.value.hint
        assert caught.value.message.split(":")[0] in {"every", "timeZone", "compareWith", "during"}


@pytest.mark.parametrize("at", [-0.01, 1.01])
async def test_a_quantile_is_a_share(store, at):
    with pytest.raises(BadInput, match="quantile"):
        await groups(store, "filter: {}, " + DAY, "buckets { quantile(at: %s) }" % at)


async def test_too_many_buckets_are_refused_before_anything_is_read(store):
    with pytest.raises(TooCostly, match="10000"):
        await groups(store, 'filter: {}, every: "PT15M", ' + YEAR, "buckets { count }")


async def test_too_many_cells_are_refused(database_url, store):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit)"
            " select 'x' || n, 1, 1, 1, 1, 'X', '', '1' from generate_series(1, 11) n"
        )
    arguments = 'filter: {datasets: ["giessen:dataset:rad"]}, every: "PT1H", %s' % YEAR
    with pytest.raises(TooCostly, match="13 groups") as caught:
        await groups(store, arguments + ", groupBy: [DATASTREAM]", "buckets { count }")
    assert "100000" in caught.value.message
    assert caught.value.hint
    found, _ = await groups(store, arguments, "datastreamCount buckets { count }")
    assert found[0]["datastreamCount"] == 13


async def test_no_datastreams_are_no_groups(store):
    found, part = await groups(
        store,
        'filter: {vehicleClasses: []}, every: "P1M", compareWith: "P1Y", ' + YEAR,
        "buckets { count coverage expected quantile(at: 0.5) previous { coverage } }",
    )
    assert found == []
    assert part.datasets == frozenset()


@pytest.mark.parametrize("text", ["'; drop table dataset; --", "{t}", "$1", "%s", "\\", '"'])
async def test_hostile_texts_are_only_texts(store, text):
    document = (
        """query ($t: [String!], $z: String!) {
        aggregate(filter: {vehicleClasses: $t}, timeZone: $z, %s) { groups { unit } } }"""
        % DAY
    )
    answer, _ = await store.part(document, t=[text], z="UTC")
    assert answer["groups"] == []
    with pytest.raises(BadInput):
        await store.part(document, t=[], z=text)
