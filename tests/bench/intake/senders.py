"""Senders: processes of their own, that keep to a rate as sensors do, however slow the node is."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import aiomqtt
import orjson

from tests.federation.cities import Town

APPLICATION = "messnetz"
DATASTREAMS = 200
BATCH = 2_000
START = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = "mutation ($series: [ObservationSeriesInput!]!) { recordObservations(series: $series) { accepted } }"
_PROCESSES = multiprocessing.get_context("fork")


@contextmanager
def running(send: Callable[..., Coroutine[Any, Any, int]], *arguments: object) -> Iterator[Callable[[], int]]:
    """Run a sender beside what is measured; afterwards the yielded function tells what it sent."""
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    ends = _PROCESSES.Event()
    process = _PROCESSES.Process(target=lambda: sender.send(asyncio.run(send(ends.is_set, *arguments))))
    process.start()
    sent = 0

    def told() -> int:
        return sent

    try:
        yield told
    finally:
        ends.set()
        sent = receiver.recv()
        process.join()


async def by_mutation(ended: Callable[[], bool], town: Town, rate: float, day: int, result: float = 1.5) -> int:
    """Batches of 2000 of 200 datastreams; returns how many observations were accepted. Rate 0: as fast as it goes."""
    access = await town.token(APPLICATION, "operations")
    at, accepted, began = START + timedelta(days=day), 0, time.monotonic()
    async with aiohttp.ClientSession() as session:
        while not ended():
            per = BATCH // DATASTREAMS
            times = [(at + i * timedelta(seconds=1)).isoformat() for i in range(per)]
            at += timedelta(seconds=per)
            series = [
                {"datastream": f"fulda:datastream:s{i}", "times": times, "results": [result] * per}
                for i in range(DATASTREAMS)
            ]
            body = orjson.dumps({"query": RECORD, "variables": {"series": series}})
            headers = {**access.headers("POST", town.settings.graphql_url, body), "Content-Type": "application/json"}
            async with session.post(town.settings.graphql_url, data=body, headers=headers) as response:
                accepted += (await response.json())["data"]["recordObservations"]["accepted"]
            if rate:
                await asyncio.sleep(max(0.0, began + accepted / rate - time.monotonic()))
    return accepted


async def by_mqtt(ended: Callable[[], bool], port: int, rate: float, day: int) -> int:
    """One observation in each message, acknowledged by the broker (QoS 1); returns how many were published."""
    at, sent, began = START + timedelta(days=day), 0, time.monotonic()
    async with aiomqtt.Client("127.0.0.1", port, max_concurrent_outgoing_calls=200) as client:
        while not ended():
            for number in range(DATASTREAMS):
                message = json.dumps({"phenomenonTime": at.isoformat(), "result": 1.5})
                await client.publish(f"v1.1/Datastreams(s{number})/Observations", message, qos=1)
                sent += 1
            at += timedelta(seconds=1)
            await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
    return sent
