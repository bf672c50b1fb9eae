"""Observations by mutation into a running node, in batches, for some seconds; and what queries take meanwhile."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import orjson
import psutil
import psycopg

from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate
from tests.federation.cities import Federation, Town

SECONDS = 6.0
BATCH = 2_000
SENDERS = 2
DATASTREAMS = 200
RECORD = "mutation ($series: [ObservationSeriesInput!]!) { recordObservations(series: $series) { accepted } }"
QUERY = '{ datasets(first: 3, cities: ["fulda"]) { nodes { id title } } }'


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vb-", ignore_cleanup_errors=True) as directory:
        home = Path(directory)
        with embedded_postgres(home / "pg") as url:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("create database template_bench")
            engine = make_engine(url.replace("/verbund?", "/template_bench?"))
            migrate(engine)
            engine.dispose()
            formed = Federation(home)
            town = formed.add("fulda", url, "template_bench")
            key = _prepare(town)
            began = time.perf_counter()
            formed.sign()
            formed.start()
            print(f"  ready after                {time.perf_counter() - began:8.2f} s")
            workers = psutil.Process(town.process._process.pid).children(recursive=True)
            memory = [p.memory_full_info().uss / 1e6 for p in workers if "spawn_main" in " ".join(p.cmdline())]
            print(f"  idle, a worker's own       {max(memory):8.0f} MB")
            try:
                asyncio.run(_measure(town, key))
            finally:
                formed.stop()


def _prepare(town: Town):
    key = create_signing_key(town.keys / "messnetz.pem")
    engine = make_engine(town.database_url)
    add_application(engine, Application("messnetz", "M", public_jwks(key), ("observations:write",), ("operations",)))
    engine.dispose()
    with psycopg.connect(town.database_url) as connection:
        connection.execute(
            "insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit)"
            f" select 's' || i, 1, 1, 1, 1, 's' || i, 'count', '1' from generate_series(0, {DATASTREAMS - 1}) i"
        )
    return key


async def _measure(town: Town, _key) -> None:
    access = await town.token("messnetz", "operations")
    async with aiohttp.ClientSession() as session:
        alone = await _queries(session, town, SECONDS / 2)
        ends = time.perf_counter() + SECONDS
        counts = [0] * SENDERS
        beside = asyncio.create_task(_queries(session, town, SECONDS))
        await asyncio.gather(*(_send(session, town, access, number, counts, ends) for number in range(SENDERS)))
        meanwhile = await beside
    print(f"  observations a second      {sum(counts) / SECONDS:8.0f}   (batches of {BATCH}, {SENDERS} senders)")
    print(f"  a query alone, median      {alone * 1000:8.2f} ms")
    print(f"  and meanwhile              {meanwhile * 1000:8.2f} ms   {meanwhile / alone - 1:+.0%}")


async def _queries(session: aiohttp.ClientSession, town: Town, seconds: float) -> float:
    """The median of one client that asks ten times a second."""
    took, ends = [], time.perf_counter() + seconds
    while time.perf_counter() < ends:
        began = time.perf_counter()
        async with session.post(town.settings.graphql_url, json={"query": QUERY}) as response:
            await response.read()
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.1)
    return statistics.median(took)


async def _send(session, town: Town, access, number: int, counts: list[int], ends: float) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=30 * number)
    while time.perf_counter() < ends:
        per = BATCH // DATASTREAMS
        times = [(at + i * timedelta(seconds=1)).isoformat() for i in range(per)]
        at += timedelta(seconds=per)
        series = [
            {"datastream": f"fulda:datastream:s{i}", "times": times, "results": [1.5] * per} for i in range(DATASTREAMS)
        ]
        body = orjson.dumps({"query": RECORD, "variables": {"series": series}})
        headers = {**access.headers("POST", town.settings.graphql_url, body), "Content-Type": "application/json"}
        async with session.post(town.settings.graphql_url, data=body, headers=headers) as response:
            answer = await response.json()
        counts[number] += answer["data"]["recordObservations"]["accepted"]


if __name__ == "__main__":
    main()
