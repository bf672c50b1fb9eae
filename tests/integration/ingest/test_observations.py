import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from node.ingest.observations import write_observations
from node.ingest.sensors import upsert_datastream, upsert_observed_property, upsert_sensor, upsert_thing
from tests.work import waiting

START = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def datastream(connection) -> int:
    dataset = connection.execute(
        "insert into dataset (key, title, title_sort, digest) values ('d', 'D', 'd', '') returning id"
    ).fetchone()[0]
    return register(connection, dataset)


def register(connection, dataset: int, name: str = "Spur 1") -> int:
    return upsert_datastream(
        connection,
        "spur-1",
        dataset_id=dataset,
        thing_id=upsert_thing(connection, "t", name="T", location=(8.67, 50.58), properties={"lanes": 2}),
        sensor_id=upsert_sensor(connection, "s", name="S"),
        observed_property_id=upsert_observed_property(connection, "o", name="O", definition="https://example.org/o"),
        name=name,
        interval_seconds=900,
    )


def series(datastream: int, count: int, result: float | None = 1.0) -> list[tuple]:
    return [
        (datastream, START + step * QUARTER, START + (step + 1) * QUARTER, result, "RAW" if result else "MISSING")
        for step in range(count)
    ]


def test_observations_go_to_the_partitions_of_their_years(connection, rows, datastream) -> None:
    with connection.transaction():
        assert write_observations(connection, series(datastream, 4)) == 4
    assert rows("select tableoid::regclass::text, count(*) from observation group by 1 order by 1") == [
        ("observation_y2025", 2), ("observation_y2026", 2)
    ]  # fmt: skip
    assert rows("select phenomenon_start, phenomenon_end from datastream") == [(START, START + 4 * QUARTER)]
    assert rows("select phenomenon_time from latest_observation") == [START + 3 * QUARTER]


def test_only_what_differs_is_written_again(connection, rows, datastream) -> None:
    with connection.transaction():
        write_observations(connection, series(datastream, 4))
    with connection.transaction():
        assert write_observations(connection, series(datastream, 6)) == 2
    with connection.transaction():
        assert write_observations(connection, series(datastream, 6, None), batch_rows=4) == 6
    assert rows("select distinct result, quality from observation") == [(None, "MISSING")]
    assert rows("select result, quality from latest_observation") == [(None, "MISSING")]


def test_instants_and_text_times(connection, rows, datastream) -> None:
    with connection.transaction():
        write_observations(connection, [(datastream, "2026-01-01T00:00:00+00:00", None, 0.1, "CHECKED")])
    assert rows("select phenomenon_end, result, quality from observation") == [(None, 0.1, "CHECKED")]
    assert rows("select phenomenon_start, phenomenon_end from datastream") == [(datetime(2026, 1, 1, tzinfo=UTC),) * 2]


def test_nothing_is_nothing(connection, rows) -> None:
    with connection.transaction():
        assert write_observations(connection, []) == 0
    assert rows("select count(*) from latest_observation") == [0]


def test_registering_again_changes_nothing_unless_something_differs(connection, rows, datastream) -> None:
    tables = ("thing", "sensor", "observed_property", "datastream")
    state = " union all ".join(f"select '{table}', id, xmin::text from {table}" for table in tables)
    before = rows(state)
    dataset = rows("select id from dataset")[0]
    assert register(connection, dataset) == datastream
    assert rows(state) == before
    assert register(connection, dataset, "Spur eins") == datastream
    assert rows("select name from datastream") == ["Spur eins"]
    assert [row for row in rows(state) if row in before] == before[:3]


def test_a_location_that_is_not_given_stays(connection, rows, datastream) -> None:
    upsert_thing(connection, "t", name="Neu")
    assert rows("select name, longitude, latitude, properties from thing") == [("Neu", 8.67, 50.58, {"lanes": 2})]


def test_a_clock_that_was_reset_makes_no_partitions_for_the_years_between(connection, rows, datastream) -> None:
    old = START.replace(year=1970)
    with connection.transaction():
        write_observations(connection, [*series(datastream, 4), (datastream, old, old + QUARTER, 1.0, "RAW")])
    names = rows("select distinct tableoid::regclass::text from observation order by 1")
    assert names == ["observation_y1970", "observation_y2025", "observation_y2026"]
    assert rows("select count(*) from pg_inherits where inhparent = 'observation'::regclass") == [len(names)]


def test_of_two_who_write_at_once_the_latest_observation_is_the_latest(
    connection, rows, datastream, database_url
) -> None:
    """A delivery of old counts ends while a newer observation is committed."""
    first, newest = series(datastream, 2)
    with connection.transaction():
        write_observations(connection, [first])
    oldest = (datastream, START - 4 * QUARTER, START - 3 * QUARTER, 7.0, "RAW")

    def deliver() -> None:
        with psycopg.connect(database_url, application_name="delivery") as other:
            write_observations(other, [oldest])

    with ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            write_observations(connection, [newest])
            delivered = pool.submit(deliver)
            deadline = time.monotonic() + 60
            while not waiting(connection, "delivery"):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        delivered.result(60)
    assert rows("select phenomenon_time from latest_observation") == [newest[1]]
    assert rows("select phenomenon_start, phenomenon_end from datastream") == [(oldest[1], newest[2])]
