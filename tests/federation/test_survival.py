"""Four cities under load while parts of them are killed: no answer is wrong, no record missing, no observation lost.

Clients ask every city about all cities, applications bring observations, sensors publish to each city's broker. What is
killed is started again by what stands for a service manager, and by nobody else.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import defaultdict, deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import psycopg

from federation.jose import public_jwks
from node.audit.fsck import check_log
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.auth.log_keys import load_log_keys
from node.store.engine import make_engine
from tests.federation.broker import needs_broker
from tests.federation.cities import NAMES, Answer, Town
from tests.federation.machines import Machine, machines

pytestmark = needs_broker
SEED = 7
REFUSALS = {"UNAVAILABLE", "CITY_UNAVAILABLE"}
FEDERATION = "federation { complete cities { city state } }"
QUESTIONS = {
    "open": "{ found: datasets(first: 100) { nodes { id title } %s } }" % FEDERATION,
    "shared": '{ found: datastreams(filter: {vehicleClasses: ["CAR"]}) { nodes { id name } %s } }' % FEDERATION,
}
RECORD = "mutation ($series: [ObservationSeriesInput!]!) { recordObservations(series: $series) { accepted } }"
WRITER = "fuehler"
START = datetime(2026, 5, 1, tzinfo=UTC)
STEP = timedelta(seconds=1)
BATCH = 5
REPEATED = 300  # messages that a sensor keeps: a broker acknowledges them before they are on its disk
SETTLE_S = 90


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
        await asyncio.sleep(0.05)


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
        await asyncio.sleep(0.05)


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
                    await asyncio.sleep(0.02)
                return
        await asyncio.sleep(0.2)


def add_writer(town: Town) -> None:
    key = create_signing_key(town.keys / f"{WRITER}.pem")
    engine = make_engine(town.database_url)
    add_application(engine, Application(WRITER, "F", public_jwks(key), ("observations:write",), ("operations",)))
    engine.dispose()


async def until(condition, what: str) -> None:
    try:
        async with asyncio.timeout(SETTLE_S):
            while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - nobody tells when
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(what) from None


async def get_on(made: dict[str, Machine], seen: dict[str, Seen]) -> None:
    """Everything is back by itself: each city is asked, has all cities' answers again, and takes in observations."""
    await asyncio.gather(*(machine.is_back() for machine in made.values()))
    before = {city: (one.complete, len(one.batches)) for city, one in seen.items()}
    await until(
        lambda: all(
            one.complete > before[city][0] and len(one.batches) > before[city][1] for city, one in seen.items()
        ),
        "not every city gives whole answers again",
    )


async def test_parts_are_killed_under_load_and_nothing_is_wrong_or_missing():
    luck = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="vb-") as directory, machines(Path(directory)) as (formed, made):
        seen = {city: Seen() for city in made}
        keepers = [asyncio.create_task(machine.keep()) for machine in made.values()]
        try:
            await asyncio.gather(*(machine.is_back() for machine in made.values()))
            formed.agree("giessen", "offenbach")
            formed.agree("wetzlar", "offenbach")
            await formed.settled(**dict.fromkeys(NAMES, "ACTIVE"))
            await under_load(made, seen, luck)
            for city, machine in made.items():
                await nothing_is_lost(machine.town, seen[city])
            await asyncio.to_thread(nothing_is_unrecorded, formed.towns, seen)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)


async def under_load(made: dict[str, Machine], seen: dict[str, Seen], luck: random.Random) -> None:
    """Each part of some city is killed once, in an order that the seed decides; the load goes on throughout."""
    ended, asking, bringing = asyncio.Event(), [], []
    for city, machine in made.items():
        town = machine.town
        add_writer(town)
        access, writer = await town.token(), await town.token(WRITER, "operations")
        for question, token in (("open", None), ("shared", access)):
            seen[city].right[question] = by_city(await town.ask(QUESTIONS[question], token))
            asking.append(keep_asking(town, seen[city], question, token))
        bringing.append(keep_recording(town, seen[city], writer, ended))
        bringing.append(keep_publishing(machine, seen[city], ended))
    async with asyncio.TaskGroup() as group:

        def begin(work: list[Coroutine[Any, Any, None]]) -> list[asyncio.Task[None]]:
            return [group.create_task(one) for one in work]

        questions = begin(asking)
        begin(bringing)
        await get_on(made, seen)
        alone = luck.sample(["worker", "node", "database", "broker"], 4)
        for parts in (alone[:2], alone[2:], ["everything"], ["everything"] * len(made)):
            for city, part in zip(luck.sample(sorted(made), len(parts)), parts, strict=True):
                made[city].parts[part](luck)
            await get_on(made, seen)
        ended.set()
        for question in questions:
            question.cancel()
    assert sum(one.refused + one.away for one in seen.values()), "the kills were noticed"


async def nothing_is_lost(town: Town, seen: Seen) -> None:
    """What was accepted is there, once and as it was."""

    def stored(key: str) -> dict[datetime, float]:
        rows = town.sql(
            "select phenomenon_time, result from observation o join datastream d on d.id = o.datastream_id"
            " where d.key = %s and phenomenon_time >= %s",
            (key, START),
        )
        assert len({at for at, _ in rows}) == len(rows)
        return dict(rows)

    assert seen.published
    await until(lambda: stored("kfz-ein").keys() >= seen.published.keys(), f"{town.id} lacks what was published")
    assert stored("kfz-ein") == seen.published
    assert seen.stored
    assert stored("rad-ein") == seen.stored
    assert not town.sql("select reason, value from quarantine")
    sequenced = "select (select count(*) from access_record) = (select sum(length) from log_run)"
    await until(lambda: town.sql(sequenced) == [(True,)], f"{town.id} has records without a place in its log")


def nothing_is_unrecorded(towns: dict[str, Town], seen: dict[str, Seen]) -> None:
    """Each answer has its records: at home under its trace, and at each owner whose rows it has, of the same answer.

    The trace at the owner may be another one: who asks what is being asked already shares the answer.
    """
    given: dict[str, set[tuple[str, bytes]]] = {}
    taken: dict[str, dict[tuple[str, str], bytes]] = {}
    own: dict[str, set[str]] = {}
    for city, town in towns.items():
        rows = town.sql(
            "select trace_id, role, coalesce(counterpart, caller_city), response_digest from access_record r"
            " join access_kind k on k.id = r.kind"
        )
        given[city] = {(other, digest) for _, role, other, digest in rows if role == "OWNER"}
        taken[city] = {(trace, other): digest for trace, role, other, digest in rows if role == "CONSUMER"}
        own[city] = {trace for trace, role, _, _ in rows if role == "OWNER"}
        with psycopg.connect(town.database_url, autocommit=True) as connection:
            assert check_log(connection, load_log_keys(town.settings).log.key).records >= len(rows)
    for home, one in seen.items():
        assert one.answered
        for trace, (_, present) in one.answered.items():
            assert home not in present or trace in own[home], (home, trace)
            for owner in present - {home}:
                digest = taken[home][trace, owner]
                assert digest
                assert (home, digest) in given[owner], (home, owner, trace)
        assert own[home] >= set(one.batches)
