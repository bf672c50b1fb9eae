"""Clients that keep on at a city whatever happens to it, and remember what they were answered, told, and promised."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp
import aiomqtt

from tests.federation.cities import NAMES, Answer, Town
from tests.federation.follower import Ended, follow
from tests.federation.machines import Machine

REFUSALS = {"UNAVAILABLE", "CITY_UNAVAILABLE"}
FEDERATION = "federation { complete cities { city state } }"
QUESTIONS = {
    "open": "{ found: datasets(first: 100) { nodes { id title } %s } }" % FEDERATION,
    "shared": '{ found: datastreams(filter: {vehicleClasses: ["CAR"]}) { nodes { id name } %s } }' % FEDERATION,
}
RECORD = "mutation ($series: [ObservationSeriesInput!]!) { recordObservations(series: $series) { accepted } }"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)  # what is older is not told live
STEP = timedelta(seconds=1)
BATCH = 5
REPEATED = 300  # messages that a sensor keeps: a broker acknowledges them before they are on its disk


@dataclass
class Seen:
    """What was answered at one city, and what was accepted there."""

    right: dict[str, dict[str, list[Any]]] = field(default_factory=dict)  # question: rows by city
    answered: dict[str, tuple[str, set[str]]] = field(default_factory=dict)  # trace: question, cities whose rows it has
    stored: dict[datetime, float] = field(default_factory=dict)  # by mutation, accepted
    batches: list[str] = field(default_factory=list)  # traces of these
    published: dict[datetime, float] = field(default_factory=dict)
    away: int = 0
    refused: int = 0
    complete: int = 0


def by_city(answer: Answer) -> dict[str, list[Any]]:
    rows: defaultdict[str, list[Any]] = defaultdict(list)
    for node in answer.data["found"]["nodes"]:
        rows[node["id"].partition(":")[0]].append(node)
    return rows


def assess(seen: Seen, question: str, answer: Answer) -> None:
    """Whoever is told to have answered has told everything, and whoever has not, nothing."""
    if answer.body.get("errors"):
        assert answer.code in REFUSALS, answer.body
        assert answer.body.get("data") is None
        seen.refused += 1
        return
    federation = answer.data["found"]["federation"]
    states = {row["city"]: row["state"] for row in federation["cities"]}
    present = {city for city, state in states.items() if state == "OK"}
    rows, right = by_city(answer), seen.right[question]
    assert states.keys() == NAMES.keys()
    assert federation["complete"] is (present == states.keys())
    assert rows == {city: right[city] for city in present if city in right}
    seen.answered[answer.trace] = question, present
    seen.complete += federation["complete"]
    seen.away += not federation["complete"]


async def keep_asking(town: Town, seen: Seen, question: str, access: Any) -> None:
    while True:
        with suppress(aiohttp.ClientError, TimeoutError):
            assess(seen, question, await town.ask(QUESTIONS[question], access))
        await asyncio.sleep(0.15)


async def keep_recording(town: Town, seen: Seen, access: Any, ended: asyncio.Event) -> None:
    """Each batch again and again until it is accepted."""
    numbers = count()
    while not ended.is_set():
        batch = {START + next(numbers) * STEP: float(n) for n in range(BATCH)}
        series = {"datastream": f"{town.id}:datastream:rad-ein", "results": list(batch.values())}
        variables = {"series": [{**series, "times": [at.isoformat() for at in batch]}]}
        while True:
            answer = None
            with suppress(aiohttp.ClientError, TimeoutError):
                answer = await town.ask(RECORD, access, variables)
            if answer is not None and not answer.body.get("errors"):
                break
            assert answer is None or answer.code in REFUSALS, answer.body
            await asyncio.sleep(0.1)
        assert answer.data["recordObservations"]["accepted"] == BATCH
        seen.stored |= batch
        seen.batches.append(answer.trace)
        await asyncio.sleep(0.1)


class Follower:
    """A client that goes on from its cursor after each break, and keeps what it was told."""

    def __init__(self, town: Town, cities: list[str]) -> None:
        self.told: Counter[tuple[str, datetime, float]] = Counter()
        self.begun = asyncio.Event()
        self.has_missed = False
        self._town = town
        self._datastreams = [f"{city}:datastream:rad-ein" for city in cities]
        self._cursor: str | None = None

    async def keep_following(self) -> None:
        while True:
            # away, broken off, in the middle of a line, refused
            with suppress(aiohttp.ClientError, TimeoutError, Ended, ValueError, AssertionError):
                async with follow(self._town, self._datastreams, after=self._cursor) as stream:
                    while True:
                        self._take(await stream.batch())
            await asyncio.sleep(0.2)

    def _take(self, batch: dict[str, Any]) -> None:
        self.has_missed |= batch["missed"]
        for node in batch["nodes"]:
            city = node["datastream"]["id"].partition(":")[0]
            self.told[city, datetime.fromisoformat(node["phenomenonTime"]), node["result"]] += 1
        self._cursor = batch["cursor"]
        if batch["federation"]["complete"]:
            self.begun.set()


async def keep_publishing(machine: Machine, seen: Seen, ended: asyncio.Event) -> None:
    """As sensors do that keep their latest messages, and repeat them after a break."""
    numbers, latest = count(), deque[str](maxlen=REPEATED)
    while True:
        with suppress(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", machine.broker.port, timeout=5) as sensor:
                for message in latest:
                    await sensor.publish("v1.1/Datastreams(kfz-ein)/Observations", message, qos=1)
                while not ended.is_set():
                    number = next(numbers)
                    at = START + number * STEP
                    latest.append(json.dumps({"phenomenonTime": at.isoformat(), "result": number}))
                    seen.published[at] = float(number)
                    await sensor.publish("v1.1/Datastreams(kfz-ein)/Observations", latest[-1], qos=1)
                    await asyncio.sleep(0.05)
                return
        await asyncio.sleep(0.2)
