"""Observations into a running node at a rate, by mutation and by MQTT, and what queries take with and without it.

Each rate is measured in turns with nothing, so that what else the machine does meets both alike. Processor time is told
beside the clock's: it says the same on a machine that others use.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import psutil
import psycopg

from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.settings import FILE_NAME, load_settings
from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate
from tests.bench.intake.senders import APPLICATION, BATCH, DATASTREAMS, START, by_mqtt, by_mutation, running
from tests.federation.broker import MOSQUITTO, Broker
from tests.federation.cities import Federation, Town

SECONDS, TURNS = 5.0, 3
QUERY = '{ datasets(first: 3, cities: ["fulda"]) { nodes { id title } } }'
MUTATION_RATE, MQTT_RATE = 10_000, 2_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vb-", ignore_cleanup_errors=True) as directory, _broker() as port:
        home = Path(directory)
        with embedded_postgres(home / "pg") as url:
            _template(url)
            formed = Federation(home)
            town = formed.add("fulda", url, "template_bench")
            _prepare(town, port)
            formed.sign()
            formed.start()
            try:
                _measure(town, port)
            finally:
                formed.stop()


def _template(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create database template_bench")
    engine = make_engine(url.replace("/verbund?", "/template_bench?"))
    migrate(engine)
    engine.dispose()


@contextmanager
def _broker() -> Iterator[int | None]:
    """A Mosquitto's port; None if it is not installed."""
    if MOSQUITTO is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="vb-mqtt-") as directory:
        broker = Broker(Path(directory))
        broker.start()
        try:
            yield broker.port
        finally:
            broker.stop()


def _prepare(town: Town, port: int | None) -> None:
    key = create_signing_key(town.keys / f"{APPLICATION}.pem")
    engine = make_engine(town.database_url)
    add_application(engine, Application(APPLICATION, "M", public_jwks(key), ("observations:write",), ("operations",)))
    engine.dispose()
    with psycopg.connect(town.database_url) as connection:
        connection.execute(
            "insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit)"
            f" select 's' || i, 1, 1, 1, 1, 's' || i, 'count', '1' from generate_series(0, {DATASTREAMS - 1}) i"
        )
    if port is not None:
        file = town.settings.home / FILE_NAME
        file.write_text(file.read_text().replace("\n[limits]", f'\nmqtt_url = "mqtt://127.0.0.1:{port}"\n\n[limits]'))
        town.process.settings = load_settings(town.settings.home, environment={})


def _measure(town: Town, port: int | None) -> None:
    days = iter(range(0, 3_000, 20))
    day = next(days)
    _as_fast_as_it_goes(town, "new ones", day, 1.5)
    _as_fast_as_it_goes(town, "corrections", day, 2.5)
    _beside(town, MUTATION_RATE, lambda: running(by_mutation, town, float(MUTATION_RATE), next(days)))
    if port is None:
        print("  no Mosquitto is installed: `make broker`")
        return
    _beside(town, MQTT_RATE, lambda: running(by_mqtt, port, float(MQTT_RATE), next(days)))


def _as_fast_as_it_goes(town: Town, what: str, day: int, result: float) -> None:
    """One sender that waits for each answer; what it was told is stored is counted in the table."""
    before, began = _processors(town), time.monotonic()
    with running(by_mutation, town, 0.0, day, result) as told:
        time.sleep(SECONDS)
    seconds, accepted = time.monotonic() - began, told()
    node, database = (1e6 * (now - then) / accepted for now, then in zip(_processors(town), before, strict=True))
    found = "select count(*) from observation where phenomenon_time >= %s and result = %s"
    stored = town.sql(found, (START + timedelta(days=day), result))[0][0]
    print(f"  by mutation, {what}, batches of {BATCH}, one sender: {accepted / seconds:.0f} a second")
    print(
        f"    {stored} of {accepted} are in the table; processor time of each: node {node:.1f} µs, database {database:.1f} µs"
    )


def _beside(town: Town, rate: int, sending: Callable[[], AbstractContextManager[Callable[[], int]]]) -> None:
    """Queries in turns without and with senders; what was stored, and the processor time that it took."""
    alone: list[float] = []
    meanwhile: list[float] = []
    before, spent, work, seconds = _stored(town), 0, [0.0, 0.0], 0.0
    for _ in range(TURNS):
        alone += asyncio.run(_queries(town, SECONDS))
        processors, began = _processors(town), time.monotonic()
        with sending() as told:
            time.sleep(0.5)  # its token, its connection
            meanwhile += asyncio.run(_queries(town, SECONDS))
        seconds += time.monotonic() - began
        spent += told()
        work = [sum(pair) for pair in zip(work, map(float.__sub__, _processors(town), processors), strict=True)]
    deadline = time.monotonic() + 60
    while (stored := _stored(town) - before) < spent and time.monotonic() < deadline:
        time.sleep(0.2)
    one, two = statistics.median(alone), statistics.median(meanwhile)
    print(f"  {spent / seconds:8.0f} observations a second of {rate} wanted; {stored} of {spent} are stored")
    print(f"    processor time of each: node {work[0] / spent * 1e6:.0f} µs, database {work[1] / spent * 1e6:.0f} µs")
    print(f"    a query alone {one * 1e3:.2f} ms, meanwhile {two * 1e3:.2f} ms: {two / one - 1:+.0%} (medians)")


def _stored(town: Town) -> int:
    return town.sql("select count(*) from observation where phenomenon_time >= %s", (START,))[0][0]


def _processors(town: Town) -> tuple[float, float]:
    """Processor seconds of the node and of its database."""
    directory = town.sql("show data_directory")[0][0]
    postmaster = int((Path(directory) / "postmaster.pid").read_text().splitlines()[0])
    return _spent(psutil.Process(town.process._process.pid)), _spent(psutil.Process(postmaster))


def _spent(process: psutil.Process) -> float:
    own = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
    return sum(one.user + one.system + one.children_user + one.children_system for one in own)


async def _queries(town: Town, seconds: float) -> list[float]:
    """What one client's queries take that asks twenty times a second."""
    took, ends = [], time.perf_counter() + seconds
    async with aiohttp.ClientSession() as session:
        while time.perf_counter() < ends:
            began = time.perf_counter()
            async with session.post(town.settings.graphql_url, json={"query": QUERY}) as response:
                await response.read()
            took.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)
    return took


if __name__ == "__main__":
    main()
