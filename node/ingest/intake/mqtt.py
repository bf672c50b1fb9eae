"""Observations from an MQTT broker, as OGC SensorThings 1.1 (8.3.2) has sensors publish them.

A message on `v1.1/Datastreams(KEY)/Observations` holds one observation or an array of them. It is acknowledged once its
observations are committed, so what this node has not stored, the broker sends again. One process of all replicas reads:
the one that holds an advisory lock. The session is persistent: while nobody reads, the broker keeps what comes.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aiomqtt
import msgspec
import psycopg
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from node.ingest.intake.broker import Broker
from node.ingest.intake.checks import Checked, Flawed, check_series
from node.ingest.intake.writer import IntakeWriter
from node.store.connections import connect_async
from node.telemetry.counts import Counts
from schema.errors import Unavailable

log = logging.getLogger("verbund.intake")
TOPIC = re.compile(r"(?:.+/)?Datastreams\('?([^()'\x00-\x1f]{1,150})'?\)/Observations")
GATHER_S = 0.05
MOST_MESSAGES = 2_000  # in one transaction
MOST_IN_FLIGHT = 5_000  # unacknowledged; then the broker waits
MAX_BYTES = 65_536
MOST_GATHERED = 2_000_000  # bytes in one transaction: some 50,000 observations, which the writer takes
KEEP_SESSION_S = 7 * 86_400
RETRY_S = 2.0
ALIVE_S = 10.0  # for the database to say that the lock's connection lives
LOCK = "select pg_try_advisory_lock(hashtext('verbund.mqtt'))"


class Observed(msgspec.Struct):
    """An observation in JSON; further members are ignored. `phenomenonTime` of an interval is start/end."""

    result: float | None
    phenomenonTime: str  # noqa: N815 - SensorThings


_Payload: msgspec.json.Decoder[Observed | list[Observed]] = msgspec.json.Decoder(Observed | list[Observed])


def read_message(into: Checked, topic: str, payload: bytes, known: Any, now: datetime, quality: str = "RAW") -> None:
    """Add a message's observations to what is to be stored, or say what is wrong with it. Pure."""
    match = TOPIC.fullmatch(topic)
    if len(payload) > MAX_BYTES:
        payload = b""  # not read, so not readable
    if match is None:
        into.flawed.append(Flawed(topic, None, topic, "message.topic"))
        return
    try:
        decoded = _Payload.decode(payload)
        observed = decoded if isinstance(decoded, list) else [decoded]
        times = [_time(one.phenomenonTime) for one in observed]
    except (ValueError, OverflowError, RecursionError):  # msgspec's errors are ValueErrors, too
        into.flawed.append(Flawed(match[1], None, payload[:200].decode("utf-8", "replace"), "message.unreadable"))
        return
    check_series(into, match[1], known.get(match[1]), times, [one.result for one in observed], quality, now)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text.partition("/")[0])
    if time.tzinfo is None:
        raise ValueError("it has no offset")
    return time.astimezone(UTC)


class MqttIntake:
    """Reads from the broker as long as `keep` runs, if no other process of this node does."""

    def __init__(self, broker: Broker, database_url: str, writer: IntakeWriter, counts: Counts) -> None:
        self._broker = broker
        self._url = database_url
        self._writer = writer
        self._counts = counts

    async def keep(self) -> None:
        """Read until cancelled; what breaks is begun anew."""
        while True:
            try:
                async with await connect_async(self._url, "verbund-mqtt") as connection:
                    await self._read_if_alone(connection)
            except* (aiomqtt.MqttError, psycopg.Error, OSError, Unavailable) as found:  # of a task group, or alone
                log.warning("no observations can be read from the broker: %s", type(found.exceptions[0]).__name__)
            await asyncio.sleep(RETRY_S)

    async def _read_if_alone(self, connection: psycopg.AsyncConnection[Any]) -> None:
        row = await (await connection.execute(LOCK)).fetchone()
        if row is not None and row[0]:
            async with asyncio.TaskGroup() as group:  # the lock is lost with its connection: then stop reading
                reading = group.create_task(self._read())
                while not reading.done():
                    async with asyncio.timeout(ALIVE_S):
                        await connection.execute("select 1")
                    await asyncio.wait([reading], timeout=RETRY_S)

    async def _read(self) -> None:
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = KEEP_SESSION_S
        session.ReceiveMaximum = MOST_IN_FLIGHT
        client = self._broker.client(self._broker.client_id, clean_start=False, properties=session)
        client._client.manual_ack_set(True)  # noqa: SLF001, FBT003 - aiomqtt has no other way
        async with client:
            # What is retained comes once for the session: told anew it would undo what was corrected meanwhile.
            once = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            await client.subscribe(self._broker.topic, options=once)
            while True:
                batch = [await anext(client.messages)]
                size = len(batch[0].payload)
                await asyncio.sleep(GATHER_S)
                while len(client.messages) and len(batch) < MOST_MESSAGES and size < MOST_GATHERED:
                    batch.append(client._queue.get_nowait())  # noqa: SLF001 - without a task for each
                    size += len(batch[-1].payload)
                await self._store(batch)
                for message in batch:
                    client._client.ack(message.mid, message.qos)  # noqa: SLF001

    async def _store(self, batch: Sequence[aiomqtt.Message]) -> None:
        topics = [TOPIC.fullmatch(str(message.topic)) for message in batch]
        known = await self._writer.datastreams([match[1] for match in topics if match is not None])
        checked, now = Checked(), datetime.now(UTC)
        for message in batch:
            read_message(checked, str(message.topic), bytes(message.payload), known, now)
        await self._writer.store(f"mqtt {self._broker.topic}", checked)
        self._counts.add("verbund_accepted_observations_total", "mqtt", amount=checked.accepted)
        refused = sum(flaw.count for flaw in checked.flawed)
        self._counts.add("verbund_refused_observations_total", "mqtt", amount=refused)
