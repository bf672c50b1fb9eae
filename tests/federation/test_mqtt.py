"""Sensors publish to a real Mosquitto; what the broker was told is stored is stored, whoever breaks down."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import aiomqtt
import psycopg
import pytest
from msgspec.structs import replace

from node.doctor.broker import examine
from node.doctor.finding import State
from node.ingest.intake.broker import broker_of
from node.settings import FILE_NAME, SettingsError, load_settings
from tests.conftest import TEMPLATE
from tests.federation.broker import Broker, needs_broker
from tests.federation.cities import Federation, free_port

pytestmark = needs_broker
START = datetime(2026, 4, 1, tzinfo=UTC)
TOPIC = "v1.1/Datastreams(rad-ein)/Observations"


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = Broker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker.port
    broker.stop()


@pytest.fixture(scope="module")
def town(postgres_url, tmp_path_factory, broker):
    formed = Federation(tmp_path_factory.mktemp("mqtt"))
    town = formed.add("fulda", postgres_url, TEMPLATE)
    file = town.settings.home / FILE_NAME
    file.write_text(file.read_text().replace("\n[limits]", f'mqtt_url = "mqtt://127.0.0.1:{broker}"\n\n[limits]'))
    town.settings = town.process.settings = load_settings(town.settings.home, environment={})
    formed.sign()
    formed.start()
    yield town
    formed.stop()


def stored(town) -> dict[datetime, float]:
    with psycopg.connect(town.database_url) as connection:
        return dict(
            connection.execute("select phenomenon_time, result from observation where phenomenon_time >= %s", (START,))
        )


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.1)


async def test_what_is_published_is_stored_and_outlives_a_kill(town, broker):
    """Publishing goes on while the node is killed and started again."""
    wanted = {START + i * timedelta(minutes=1): float(i) for i in range(600)}
    messages = [json.dumps({"phenomenonTime": at.isoformat(), "result": result}) for at, result in wanted.items()]
    async with aiomqtt.Client("127.0.0.1", broker) as sensor:
        await sensor.publish(TOPIC, messages[0], qos=1, retain=True)  # whenever the node subscribes, it gets this one
        await until(lambda: len(stored(town)) == 1)
        for message in messages[1:300]:
            await sensor.publish(TOPIC, message, qos=1)
        await asyncio.to_thread(town.process.kill)
        for message in messages[300:]:
            await sensor.publish(TOPIC, message, qos=1)
        await asyncio.to_thread(town.process.start)
        await until(lambda: len(stored(town)) == len(wanted))
    assert stored(town) == wanted


async def test_what_comes_while_the_database_is_away_is_stored_when_it_is_back(town, broker, postgres_url):
    before = len(stored(town))
    await asyncio.to_thread(town.cut_database, postgres_url)
    try:
        async with aiomqtt.Client("127.0.0.1", broker) as sensor:
            for minute in range(1_000, 1_050):
                at = START + timedelta(minutes=minute)
                await sensor.publish(TOPIC, json.dumps({"phenomenonTime": at.isoformat(), "result": 1.0}), qos=1)
    finally:
        await asyncio.to_thread(town.restore_database, postgres_url)
    await until(lambda: len(stored(town)) == before + 50)


async def test_doctor_tells_whether_the_broker_is_there(town, broker):
    there, *_ = await asyncio.to_thread(lambda: list(examine(town.settings)))
    assert (there.check, there.state) == ("broker", State.OK)
    away = replace(town.settings, mqtt_url=f"mqtt://127.0.0.1:{free_port()}")
    silent, *_ = await asyncio.to_thread(lambda: list(examine(away)))
    assert (silent.state, silent.passing) == (State.FAILED, True)
    assert "mqtt_url" in silent.remedy
    locked = replace(town.settings, mqtt_password_file="missing")
    unread, *_ = await asyncio.to_thread(lambda: list(examine(locked)))
    assert unread.state is State.FAILED
    assert "mqtt_password_file" in unread.message
    assert not list(examine(replace(town.settings, mqtt_url=None)))
    with pytest.raises(SettingsError, match="mqtt_password_file"):
        broker_of(locked)


async def test_what_can_t_be_read_goes_to_the_quarantine_and_is_not_sent_again(town, broker):
    async with aiomqtt.Client("127.0.0.1", broker) as sensor:
        await sensor.publish(
            "v1.1/Datastreams(nichts)/Observations", '{"phenomenonTime": "2026-04-01T00:00:00Z", "result": 1}', qos=1
        )
        await sensor.publish(TOPIC, "{", qos=1)
        await sensor.publish("v1.1/Things(1)/Observations", "{}", qos=1)

    def reasons() -> set[str]:
        with psycopg.connect(town.database_url) as connection:
            return {row[0] for row in connection.execute("select reason from quarantine where source like 'mqtt %'")}

    await until(lambda: reasons() == {"datastream.unknown", "message.unreadable", "message.topic"})
