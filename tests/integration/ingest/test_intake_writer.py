"""What the intake knows of datastreams, and its connection, which ends with it, whoever is cancelled meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiomqtt
import psycopg
import pytest

from node.ingest.intake import mqtt
from node.ingest.intake import writer as module
from node.ingest.intake.broker import Broker as BrokerSettings
from node.ingest.intake.checks import Checked, Datastream, Flawed, Row
from node.ingest.intake.mqtt import MqttIntake
from node.ingest.intake.writer import IntakeWriter
from node.ingest.sensors import upsert_datastream, upsert_observed_property, upsert_sensor, upsert_thing
from node.telemetry.counts import Counts
from schema.errors import Unavailable
from tests.federation.broker import Broker, needs_broker
from tests.work import rows_read, until_alone, waiting

START = datetime(2026, 4, 1, tzinfo=UTC)


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
            assert known["spur-1"] == Datastream(datastream, timedelta(seconds=seconds), counts=True)


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


def row(datastream: int, minutes: int, result: float = 1.0) -> Row:
    start = START + timedelta(minutes=minutes)
    return datastream, start.isoformat(), (start + timedelta(minutes=15)).isoformat(), result, "RAW"


def checked(*rows: Row, unknown: Sequence[str] = ()) -> Checked:
    flawed = [Flawed(key, None, key, "datastream.unknown") for key in unknown]
    return Checked({(one[0], one[1]): one for one in rows}, flawed, len(rows))


@asynccontextmanager
async def connected(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    """A sensor, once the broker listens."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", broker.port) as sensor:
                    yield sensor
                    return
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.02)


async def test_after_a_failure_flaws_find_the_quarantine_again(connection, database_url, rows):
    """The run of a sender was begun in a transaction that failed, and is not there."""
    async with IntakeWriter(database_url) as writer:
        with connection.transaction():
            connection.execute("lock table quarantine")
            stored = asyncio.create_task(writer.store("mqtt x", checked(unknown=["a"])))
            await until(lambda: bool(waiting(connection, "verbund-intake")))
            for pid in waiting(connection, "verbund-intake"):
                connection.execute("select pg_terminate_backend(%s)", (pid,))
            with pytest.raises(Unavailable):
                await stored
        await writer.store("mqtt x", checked(unknown=["a"]))
    assert rows("select location, reason from quarantine") == [("a", "datastream.unknown")]


async def test_who_invents_datastreams_does_not_fill_the_disk(connection, database_url, rows, monkeypatch):
    monkeypatch.setattr(module, "MOST_QUARANTINED", 50)
    async with IntakeWriter(database_url) as writer:
        await writer.store("application a", checked(unknown=["of another"]))
        for begin in range(0, 200, 40):
            await writer.store("mqtt x", checked(unknown=[f"n{number}" for number in range(begin, begin + 40)]))
    kept = "select location from quarantine where source = %s order by id"
    assert rows(kept, "mqtt x") == [f"n{number}" for number in range(150, 200)]
    assert rows(kept, "application a") == ["of another"]


@needs_broker
async def test_a_backlog_of_long_messages_is_read_in_parts_and_what_is_retained_undoes_no_correction(
    connection, database_url, datastream, rows, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "MOST_WAITING", 500)
    monkeypatch.setattr(mqtt, "MOST_GATHERED", 10_000)
    monkeypatch.setattr(mqtt, "MAX_BYTES", 10_000)
    monkeypatch.setattr(mqtt, "GATHER_S", 1)  # all of the backlog is there before the first part is stored
    topic = "v1.1/Datastreams(spur-1)/Observations"
    broker = Broker(tmp_path)
    broker.start()

    def stored(result: float) -> Callable[[], bool]:
        return lambda: rows("select count(*) from observation where result = %s", result) == [1]

    def message(minutes: int, result: float) -> str:
        return json.dumps({"phenomenonTime": (START + timedelta(minutes=minutes)).isoformat(), "result": result})

    try:
        async with IntakeWriter(database_url) as writer, connected(broker) as sensor:
            intake = MqttIntake(
                BrokerSettings(broker.url, None, "v1.1/+/Observations", "verbund-test"), database_url, writer, Counts()
            )
            reading = asyncio.create_task(intake.keep())
            await sensor.publish(topic, message(0, 10), qos=1, retain=True)
            await until(stored(10))
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await writer.store("application a", checked(row(datastream, 0, 12)))
            for part in range(20):
                array = ",".join(message(15 * (1 + 50 * part + n), part) for n in range(50))
                await sensor.publish(topic, f"[{array}]", qos=1)
            reading = asyncio.create_task(intake.keep())
            await until(lambda: rows("select count(*) from observation") == [1_001])
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    finally:
        broker.stop()
    assert rows("select result from observation order by phenomenon_time limit 1") == [12]
