"""Observations come in while a node serves: what is accepted is there, once, whatever happens afterwards."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import psycopg
import pytest

from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.store.engine import make_engine

RECORD = """mutation ($series: [ObservationSeriesInput!]!) {
  recordObservations(series: $series) { accepted refusedCount refused { datastream time reason message } } }"""
LATEST = '{ datastream(id: "fulda:datastream:rad-ein") { latest { phenomenonTime phenomenonEnd result } } }'
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def access(federation):
    town = federation["fulda"]
    key = create_signing_key(town.keys / "messnetz.pem")
    engine = make_engine(town.database_url)
    add_application(
        engine, Application("messnetz", "Messnetz", public_jwks(key), ("observations:write",), ("operations",))
    )
    with psycopg.connect(town.database_url) as connection:
        connection.execute("update datastream set interval_seconds = 900 where key = 'rad-ein'")
    engine.dispose()
    return await town.token("messnetz", "operations")


def series(start: datetime, results: list[float | None], key: str = "rad-ein") -> dict:
    times = [(start + i * timedelta(minutes=15)).isoformat() for i in range(len(results))]
    return {"datastream": f"fulda:datastream:{key}", "times": times, "results": results}


async def record(town, access, *batch: dict):
    answer = await town.ask(RECORD, access, {"series": list(batch)})
    return answer.data["recordObservations"]


def stored(town, start: datetime) -> list[float | None]:
    with psycopg.connect(town.database_url) as connection:
        rows = connection.execute(
            "select result from observation o join datastream d on d.id = datastream_id where d.key = 'rad-ein'"
            " and phenomenon_time >= %s and phenomenon_time < %s::timestamptz + interval '12 hours' order by phenomenon_time",
            (start, start),
        )
        return [row[0] for row in rows]


async def test_what_is_accepted_is_there_once_and_the_latest(federation, access):
    town = federation["fulda"]
    for _ in range(2):  # a sender that got no answer sends again
        assert (await record(town, access, series(FIRST, [1, None, 3]))) == {
            "accepted": 3,
            "refusedCount": 0,
            "refused": [],
        }
    assert stored(town, FIRST) == [1, None, 3]
    assert (await town.ask(LATEST)).data["datastream"]["latest"] == {
        "phenomenonTime": "2026-03-01T00:30:00+00:00",
        "phenomenonEnd": "2026-03-01T00:45:00+00:00",
        "result": 3,
    }
    await record(town, access, series(FIRST, [5]))
    assert stored(town, FIRST) == [5, None, 3], "a correction replaces"


async def test_what_can_t_be_stored_is_told_and_quarantined_and_costs_nothing_else(federation, access):
    town, start = federation["fulda"], FIRST + timedelta(days=1)
    future = series(datetime.now(UTC) + timedelta(days=2), [1])
    answer = await record(town, access, series(start, [1]), series(start, [2, 2], "nichts"), future)
    assert (answer["accepted"], answer["refusedCount"]) == (1, 3)
    assert {row["reason"] for row in answer["refused"]} == {"datastream.unknown", "time.future"}
    assert stored(town, start) == [1]
    with psycopg.connect(town.database_url) as connection:
        rows = connection.execute(
            "select reason, location from quarantine where source = 'application messnetz'"
        ).fetchall()
    assert ("datastream.unknown", "fulda:datastream:nichts") in rows
    foreign = await record(town, access, {**series(start, [1]), "datastream": "giessen:datastream:rad-ein"})
    assert foreign["refused"][0]["reason"] == "datastream.unknown"


@pytest.mark.parametrize("per_series", [10_000, 1])
async def test_a_full_batch_fits_and_one_more_is_too_many(federation, access, per_series):
    """With times and results as long as they get, of one datastream or each in a series of its own."""
    town, start = federation["fulda"], FIRST + timedelta(days=20, microseconds=123_456)
    times = [(start + n * timedelta(seconds=1)).isoformat() for n in range(10_000)]
    cut = [slice(n, n + per_series) for n in range(0, 10_000, per_series)]
    results = [-1.2345678901234567e-101 * per_series] * 10_000
    batch = [{"datastream": "fulda:datastream:rad-ein", "times": times[part], "results": results[part]} for part in cut]
    assert (await record(town, access, *batch))["accepted"] == 10_000
    found = "select count(*), min(result), max(result) from observation where phenomenon_time between %s and %s"
    assert town.sql(found, (times[0], times[-1])) == [(10_000, results[0], results[0])]
    refused = await town.ask(RECORD, access, {"series": [*batch, series(start - timedelta(days=1), [1])]})
    assert refused.code == "BAD_INPUT"
    assert "10001 observations are more than 10000" in refused.body["errors"][0]["message"]
    large = await town.ask(RECORD, await town.token(), {"series": batch})
    assert (large.status, large.code) == (413, "TOO_LARGE")
    limits = (await town.ask("{ node { limits { bodyBytes intakeBytes } } }")).data["node"]["limits"]
    assert limits == {"bodyBytes": 131_072, "intakeBytes": 2_097_152}


async def test_only_with_the_scope_and_by_post(federation, access):
    town, start = federation["fulda"], FIRST + timedelta(days=2)
    variables = {"series": [series(start, [1])]}
    for other in (None, await town.token()):
        refused = await town.ask(RECORD, other, variables)
        assert refused.code == "FORBIDDEN"
        (denial,) = town.records(refused.trace)
        assert (denial["decision"], denial["action"].split(":", 1)[1]) == ("DENY", "observation:write")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{town.settings.issuer}/graphql", params={"query": RECORD}) as got,
    ):
        assert got.status == 405
    assert stored(town, start) == []
    accepted = await town.ask(RECORD, access, variables)
    (permit,) = town.records(accepted.trace)
    assert (permit["decision"], permit["rows"], permit["application"]) == ("PERMIT", 1, "messnetz")


async def test_what_was_accepted_around_a_lost_database_is_there_and_senders_get_on(healthy, access, postgres_url):
    """Sensors repeat what they got no answer for, while the database goes and comes back."""
    town, start = healthy["fulda"], FIRST + timedelta(days=5)
    refused = 0

    async def send(worker: int) -> None:
        nonlocal refused
        for number in range(8):
            at = start + timedelta(hours=2 * worker) + number * timedelta(minutes=15)
            while True:
                answer = await town.ask(RECORD, access, {"series": [series(at, [float(number)])]})
                if answer.status == 200 and "errors" not in answer.body:
                    break
                refused += 1
                await asyncio.sleep(0.2)

    async with asyncio.timeout(120):
        sending = [asyncio.create_task(send(worker)) for worker in range(4)]
        await asyncio.to_thread(town.cut_database, postgres_url)
        try:
            while not refused:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        finally:
            await asyncio.to_thread(town.restore_database, postgres_url)
        await asyncio.gather(*sending)
    assert stored(town, start) == [float(number) for _ in range(4) for number in range(8)]


async def test_a_killed_node_keeps_what_it_has_accepted(healthy, access):
    town, start = healthy["fulda"], FIRST + timedelta(days=3)
    accepted: list[datetime] = []

    async def send(worker: int) -> None:
        for number in range(12):
            at = start + timedelta(hours=3 * worker) + number * timedelta(minutes=15)
            try:
                answer = await town.ask(RECORD, access, {"series": [series(at, [float(number)])]})
            except aiohttp.ClientError:
                return
            if answer.status == 200 and "errors" not in answer.body:
                accepted.append(at)

    sending = [asyncio.create_task(send(worker)) for worker in range(4)]
    while len(accepted) < 10 and not all(task.done() for task in sending):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.to_thread(town.process.kill)
    await asyncio.gather(*sending)
    with psycopg.connect(town.database_url) as connection:
        found = {
            row[0]
            for row in connection.execute(
                "select phenomenon_time from observation where phenomenon_time >= %s", (start,)
            )
        }
    assert accepted
    assert set(accepted) <= found
