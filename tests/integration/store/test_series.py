"""Series: observations and buckets in columns."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

import node.store.statistics.series as series_module
from node.store.limits import PageLimits
from node.store.reader import Reader
from schema.errors import BadInput, TooCostly
from tests.integration.store.conftest import OPEN, Store, Watched

DAY = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}'
COLUMNS = "datastream { id } statistic times ends values qualities truncated tooCoarse"


def ids(*keys: str) -> str:
    return "datastreams: [%s]" % ", ".join(f'"giessen:datastream:{key}"' for key in keys)


async def series(store, arguments: str, selection: str = COLUMNS, **kwargs):
    answer, part = await store.part("{ series(%s) { series { %s } } }" % (arguments, selection), **kwargs)
    return answer["series"], part


async def test_columns_are_the_rows_of_observations(store):
    found, part = await series(store, ids("rad-aus") + ", " + DAY)
    rows = await store.rows(
        '{ observations(filter: {datastreams: ["giessen:datastream:rad-aus"]}, first: 1000, %s)'
        " { nodes { phenomenonTime phenomenonEnd result quality } } }" % DAY
    )
    assert len(rows) == 96
    assert found[0]["times"] == [row["phenomenonTime"] for row in rows]
    assert found[0]["ends"] == [row["phenomenonEnd"] for row in rows]
    assert found[0]["values"] == [row["result"] for row in rows]
    assert found[0]["qualities"] == [row["quality"] for row in rows]
    assert found[0]["values"][:4] == [None] * 4
    assert (found[0]["truncated"], found[0]["tooCoarse"], found[0]["statistic"]) == (False, False, None)
    assert part.rows == 96
    assert part.datasets == {"rad"}


async def test_qualities_leave_out(store):
    found, _ = await series(store, ids("rad-aus") + ", qualities: [RAW, SUSPECT], " + DAY)
    assert len(found[0]["values"]) == 92
    assert None not in found[0]["values"]
    found, _ = await series(store, ids("rad-aus") + ', qualities: [MISSING], every: "PT6H", ' + DAY)
    assert found[0]["values"] == [None] * 5  # local hours: the first and the last are cut


async def test_series_come_in_the_order_of_their_names_each_once(store):
    found, _ = await series(
        store, ids("luft-1", "nobody", "rad-ein", "luft-1") + ", " + DAY, "datastream { id unit thing { name } }"
    )
    assert [one["datastream"] for one in found] == [
        {"id": "giessen:datastream:luft-1", "unit": "ug/m3", "thing": {"name": "Ring"}},
        {"id": "giessen:datastream:rad-ein", "unit": "1", "thing": {"name": "Brücke"}},
    ]


async def test_what_the_caller_may_not_see_is_absent_like_what_does_not_exist(store):
    for every in ("", ', every: "PT1H"'):
        found, part = await series(store, ids("kfz-ein", "rad-ein") + every + ", " + DAY, observable=OPEN)
        assert [one["datastream"]["id"] for one in found] == ["giessen:datastream:rad-ein"]
        assert part.datasets == {"rad"}
        assert part.denied == {"kfz"}
        found, _ = await series(store, ids("kfz-ein", "rad-ein") + every + ", " + DAY, readable=OPEN, observable=(1, 2))
        assert [one["datastream"]["id"] for one in found] == ["giessen:datastream:rad-ein"]


async def test_buckets_with_gaps(store):
    arguments = ids("rad-aus") + ', every: "PT30M", statistic: SUM, '
    found, part = await series(
        store, arguments + 'during: {start: "2026-01-01T00:40:00Z", end: "2026-01-01T01:40:00Z"}'
    )
    assert found[0] == {
        "datastream": {"id": "giessen:datastream:rad-aus"},
        "statistic": "SUM",
        "times": [f"2026-01-01T{time}:00+00:00" for time in ("00:40", "01:00", "01:30")],
        "ends": [f"2026-01-01T{time}:00+00:00" for time in ("01:00", "01:30", "01:40")],
        "values": [None, 402, 201],
        "qualities": ["MISSING", "RAW", "RAW"],
        "truncated": False,
        "tooCoarse": False,
    }
    assert part.rows == 3


@pytest.mark.parametrize(
    ("statistic", "values"),
    [
        ("COUNT", [4, 4]),
        ("SUM", [4 * 500, 4 * 501]),
        ("AVG", [500, 501]),
        ("MIN", [500, 501]),
        ("MAX", [500, 501]),
        ("STDDEV", [0, 0]),
        ("MEDIAN", [500, 501]),
    ],
)
async def test_each_statistic(store, statistic, values):
    arguments = ids("luft-1") + ', every: "PT1H", statistic: %s, ' % statistic
    found, _ = await series(store, arguments + 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-01T02:00:00Z"}')
    assert found[0]["values"] == values
    assert found[0]["statistic"] == statistic


async def test_counts_are_added_up_and_others_averaged_unless_told(store, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update datastream set observation_type = 'https://x.example/OM_CountObservation' where key = 'rad-ein'"
        )
    arguments = (
        ids("rad-ein", "luft-1")
        + ', every: "PT1H", during: {start: "2026-01-01T00:00:00Z", end: "2026-01-01T01:00:00Z"}'
    )
    found, _ = await series(store, arguments, "statistic values")
    assert found == [{"statistic": "SUM", "values": [400]}, {"statistic": "AVG", "values": [500]}]


async def test_the_least_trusted_quality_is_told(store, database_url):
    with psycopg.connect(database_url) as connection:
        for minute, quality in ((0, "CHECKED"), (15, "ESTIMATED"), (30, "SUSPECT")):
            connection.execute(
                "update observation set quality = %s where datastream_id = 1 and phenomenon_time = '2026-01-01Z'::timestamptz + %s",
                (quality, timedelta(minutes=minute)),
            )
    for end, quality in (("00:15", "CHECKED"), ("00:30", "ESTIMATED"), ("01:00", "SUSPECT")):
        arguments = (
            ids("rad-ein") + ', every: "PT1H", during: {start: "2026-01-01T00:00:00Z", end: "2026-01-01T%s:00Z"}' % end
        )
        found, _ = await series(store, arguments, "qualities")
        assert found[0]["qualities"] == [quality]


async def test_intervals_that_are_too_long_are_told(store, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("update datastream set interval_seconds = 3600 where key = 'rad-ein'")
    found, _ = await series(store, ids("rad-ein", "luft-1") + ', every: "PT30M", ' + DAY, "tooCoarse values")
    assert [one["tooCoarse"] for one in found] == [True, False]
    assert set(found[0]["values"]) == {None}
    found, _ = await series(store, ids("rad-ein") + ', every: "PT1H", ' + DAY, "tooCoarse")
    assert found == [{"tooCoarse": False}]


async def test_long_series_are_cut_off_and_say_so(store, monkeypatch):
    monkeypatch.setattr(series_module, "LONGEST_SERIES", 100)
    found, part = await series(store, ids("rad-ein") + ", " + DAY)
    assert (len(found[0]["values"]), found[0]["truncated"]) == (96, False)
    found, part = await series(store, ids("rad-ein", "rad-aus") + ", " + DAY)
    assert [(len(one["values"]), one["truncated"]) for one in found] == [(50, True), (50, True)]
    assert found[0]["times"] == sorted(found[0]["times"])
    assert part.rows == 100
    with pytest.raises(TooCostly, match="192") as caught:
        await series(store, ids("rad-ein", "rad-aus") + ', every: "PT15M", ' + DAY)
    assert "100" in caught.value.message


async def test_a_hundred_thousand_values(store, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into observation select 6, '2026-03-01Z'::timestamptz + n * interval '1 min', null, n, 'RAW'"
            " from generate_series(0, 100000) n"
        )
    arguments = ids("intern") + ', during: {start: "2026-03-01T00:00:00Z", end: "2027-01-01T00:00:00Z"}'
    found, _ = await series(store, arguments, "times ends values truncated")
    assert found[0]["values"] == list(range(100_000))
    assert set(found[0]["ends"]) == {None}
    assert found[0]["truncated"] is True


async def test_several_lists_of_series_in_one_answer(store):
    answer, _ = await store.part(
        "{ series(%s, %s) { __typename a: series { values } b: series { __typename t: times u: times datastream { id } } } }"
        % (ids("rad-ein"), DAY)
    )
    assert answer["__typename"] == "SeriesResult"
    assert len(answer["a"][0]["values"]) == 96
    assert answer["b"][0]["__typename"] == "Series"
    assert answer["b"][0]["t"] == answer["b"][0]["u"]


async def test_what_json_has_no_number_for_is_a_gap(store, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update observation set result = 'NaN' where datastream_id = 1 and phenomenon_time < '2026-01-01 00:15Z'"
        )
        connection.execute(
            "update observation set result = '-Infinity' where datastream_id = 1 and phenomenon_time = '2026-01-01 00:15Z'"
        )
    hour = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-01T01:00:00Z"}'
    found, _ = await series(store, ids("rad-ein") + ", " + hour, "values")
    assert found == [{"values": [None, None, 100, 100]}]
    found, _ = await series(store, ids("rad-ein") + ', every: "PT1H", statistic: AVG, ' + hour, "values")
    assert found == [{"values": [100]}]


@pytest.mark.parametrize(
    ("results", "mean", "largest"),
    [
        ((1.7976931348623157e308,) * 2 + (1.0, 3.0), 2, 3),  # what some sensors send for "no value"
        ((1e200, -1e200, 1.0, 3.0), 2, 3),  # their squares could not be added up
        ((5e-324, 0.0, 0.0, 0.0), 0, 5e-324),  # PostgreSQL refuses so small a quotient
    ],
)
async def test_results_at_the_edge_of_numbers_do_not_take_statistics_away(store, database_url, results, mean, largest):
    with psycopg.connect(database_url) as connection:
        for quarter, result in enumerate(results):
            connection.execute(
                "update observation set result = %s where datastream_id = 1"
                " and phenomenon_time = '2026-01-01 00:00Z'::timestamptz + %s * interval '15 min'",
                (result, quarter),
            )
    hour = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-01T01:00:00Z"}'
    for statistic in ("", "statistic: AVG, "):
        found, _ = await series(store, f'{ids("rad-ein")}, every: "PT1H", {statistic}{hour}', "values")
        assert found == [{"values": [mean]}]
    asked = f'filter: {{{ids("rad-ein")}}}, every: "PT1H", {hour}'
    statistics = "avg max stddev squaredDeviations quantile(at: 0.5)"
    found, _ = await store.part(f"{{ aggregate({asked}) {{ groups {{ buckets {{ {statistics} }} }} }} }}")
    (bucket,) = found["groups"][0]["buckets"]
    assert (bucket["avg"], bucket["max"]) == (mean, largest)
    assert None not in bucket.values()


@pytest.mark.parametrize(
    "arguments",
    [
        ids("rad-ein") + ', every: "PT5M", ' + DAY,
        ids("rad-ein") + ', every: "PT1H", timeZone: "Nowhere", ' + DAY,
        'datastreams: ["rad-ein"], ' + DAY,
        'datastreams: ["giessen:thing:s1"], ' + DAY,
        ids("rad-ein") + ', during: {start: "2026-01-02T00:00:00Z", end: "2026-01-01T00:00:00Z"}',
        ids(*(f"d{n}" for n in range(1001))) + ", " + DAY,
    ],
)
async def test_bad_arguments_name_the_field_and_the_remedy(store, arguments):
    with pytest.raises(BadInput) as caught:
        await series(store, arguments)
    assert caught.value.hint


async def test_no_datastreams_are_no_series(store):
    for every in ("", ', every: "P1D"'):
        found, part = await series(store, "datastreams: []" + every + ", " + DAY)
        assert (found, part.rows, part.datasets) == ([], 0, frozenset())


@pytest.mark.parametrize("asked", [
    "series(%s, %s) { series { times values } t: series { ends } }",
    'series(%s, every: "PT15M", %s) { series { times } }',
    'aggregate(filter: {%s}, every: "PT15M", %s) { groups { buckets { start } } __typename }',
])  # fmt: skip
async def test_what_is_larger_than_an_answer_may_be_stays_in_the_database(store, database_url, asked):
    document = "{ %s }" % asked % (ids("rad-ein"), DAY)
    answer, _ = await store.part(document)
    async with Watched(database_url) as sessions:
        small = Store(Reader(sessions, "giessen", PageLimits(answer_bytes=2_000)))
        with pytest.raises(TooCostly, match="bytes; the limit is 2000"):
            await small.part(document)
        large = Store(Reader(sessions, "giessen", PageLimits(answer_bytes=100_000)))
        assert (await large.part(document))[0] == answer
    assert sessions.received[0] < 200
    assert sessions.received[1] > 2_000
