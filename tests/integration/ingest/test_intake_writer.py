"""What the intake knows of datastreams, and its connection, which ends with it, whoever is cancelled meanwhile."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import psycopg
import pytest

from node.ingest.intake import writer as module
from node.ingest.intake.checks import Datastream
from node.ingest.intake.writer import IntakeWriter
from node.ingest.sensors import upsert_datastream, upsert_observed_property, upsert_sensor, upsert_thing
from schema.errors import Unavailable
from tests.work import rows_read, until_alone


async def test_who_is_cancelled_leaves_no_connection_behind(database_url, monkeypatch):
    opened: list[psycopg.Connection] = []
    is_opening, may_open = threading.Event(), threading.Event()
    connect = module.connect

    def slowly(*arguments, **options):
        is_opening.set()
        assert may_open.wait(20)
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(module, "connect", slowly)
    async with IntakeWriter(database_url) as writer:
        asked = asyncio.create_task(writer.datastreams(["nichts"]))
        assert await asyncio.to_thread(is_opening.wait, 20)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        asyncio.get_running_loop().call_later(0.05, may_open.set)  # the thread is still at it when the writer ends
    assert [connection.closed for connection in opened] == [True]
    with pytest.raises(Unavailable):
        await writer.datastreams(["nichts"])
    assert len(opened) == 1


@pytest.fixture
def datastream(connection):
    """A datastream `spur-1`, of a quarter of an hour; returns its id."""
    dataset = connection.execute(
        "insert into dataset (key, title, title_sort, digest) values ('d', 'D', 'd', '') returning id"
    ).fetchone()[0]
    return upsert_datastream(
        connection,
        "spur-1",
        dataset_id=dataset,
        thing_id=upsert_thing(connection, "t", name="T"),
        sensor_id=upsert_sensor(connection, "s", name="S"),
        observed_property_id=upsert_observed_property(connection, "o", name="O", definition="https://example.org/o"),
        name="Spur 1",
        interval_seconds=900,
    )


async def test_what_is_known_of_datastreams_is_looked_up_again_after_a_while(
    connection, database_url, datastream, monkeypatch
):
    monkeypatch.setattr(module, "KNOWN_S", 0)
    async with IntakeWriter(database_url) as writer:
        for seconds in (900, 3_600):
            connection.execute("update datastream set interval_seconds = %s", (seconds,))
            known = await writer.datastreams(["spur-1"])
            assert known["spur-1"] == Datastream(datastream, timedelta(seconds=seconds))


async def test_a_misspelt_datastream_costs_no_look_at_all_the_others(connection, database_url, datastream):
    connection.execute(
        "insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name,"
        " observation_type, unit) select 'spur-' || n, dataset_id, thing_id, sensor_id, observed_property_id, name,"
        " observation_type, unit from datastream, generate_series(2, 2_000) n"
    )
    connection.execute("vacuum analyze datastream")
    async with IntakeWriter(database_url) as writer:
        assert len(await writer.datastreams(["spur-1"])) == 2_000
    until_alone(connection)
    before = rows_read(connection)
    async with IntakeWriter(database_url) as writer:
        for _ in range(20):
            assert "spurr-1" not in await writer.datastreams(["spurr-1"])
        connection.execute("update datastream set key = 'neu' where key = 'spur-7'")
        assert (await writer.datastreams(["neu", "spurr-1"]))["neu"].interval is None
    until_alone(connection)
    assert rows_read(connection) - before < 2_500, "all of them once"
