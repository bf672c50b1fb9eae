"""Fill one city's database with the demo: catalog, stations, a year of counts, assessments."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path

import psycopg

from node.demo.counters import BICYCLE, CAR, END, INWARD, OUTWARD, SLOT, START, copy_rows
from node.demo.governance import GATEKEEPER, TIERS, assessment_of
from node.demo.stations import STATIONS, Station
from node.ingest.dcat.importer import ingest_dcat
from node.ingest.observations import ObservationBatch, finish_writing, write_batch
from node.ingest.sensors import upsert_datastream, upsert_observed_property, upsert_sensor, upsert_thing
from node.store.assessments import assess, sign_off

VERSION = "demo 3"
NOTICE = "Synthetische Demodaten."
DATASET_OF = {BICYCLE: "radverkehrszaehlung", CAR: "kfz-verkehrszaehlung"}
NAMES = {BICYCLE: "Fahrräder", CAR: "Kraftfahrzeuge"}


def load_city(database_url: str, city: str, *, days: int | None = None) -> bool:
    """Load the city; False if that was done before. `days` limits the counts to the last ones.

    The catalog goes in by the importer, in its own transaction; all else follows in one. Interrupted, it starts anew.

    Raises:
        BusyError: an import is running on this database.
    """
    source = f"{VERSION}, {'a year' if days is None else f'{days} days'}"
    with psycopg.connect(database_url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('verbund.demo'))")
        done = "select from ingest_run where kind = 'demo' and source = %s and finished_at is not null"
        if connection.execute(done, (source,)).fetchone() is not None:
            return False
        _import_catalog(database_url, city)
        datasets = _assess(connection, city)
        written = sum(_load_station(connection, datasets, station, days) for station in STATIONS[city])
        connection.execute(
            "insert into ingest_run (kind, source, finished_at, read, written) values ('demo', %s, now(), %s, %s)",
            (source, written, written),
        )
    return True


def catalog_file(city: str) -> AbstractContextManager[Path]:
    """The city's catalog in Turtle, as a file."""
    return as_file(files("node.demo").joinpath("catalogs", f"{city}.ttl"))


def _import_catalog(database_url: str, city: str) -> None:
    with catalog_file(city) as path:
        report = ingest_dcat(database_url, path)
    if report.quarantined:
        raise RuntimeError(f"the demo's catalog of {city} has flaws: {dict(report.quarantined)}")


def _assess(connection: psycopg.Connection, city: str) -> dict[str, int]:
    """Give each dataset its tier by an assessment of two people; returns the datasets' database ids by key."""
    for key in TIERS[city]:
        version = assess(connection, assessment_of(city, key))
        sign_off(connection, key, version, GATEKEEPER)
    return {key: id_ for key, id_ in connection.execute("select key, id from dataset") if key in TIERS[city]}


def _load_station(connection: psycopg.Connection, datasets: dict[str, int], station: Station, days: int | None) -> int:
    thing = upsert_thing(
        connection,
        station.key,
        name=f"{station.name} (Demo)",
        description=f"Zählstelle {station.name}. {NOTICE}",
        location=(station.longitude, station.latitude),
        place=station.name,
    )
    sensor = upsert_sensor(connection, "synthetisch", name="Synthetischer Zähler", description=NOTICE)
    counted = upsert_observed_property(
        connection,
        "traffic-count",
        name="Verkehrsstärke",
        definition="https://verbund.example/def/traffic-count",
        description="Zahl der Fahrzeuge, die in einer Viertelstunde vorbeifahren",
    )
    written = 0
    for vehicle, size in ((BICYCLE, station.bicycles), (CAR, station.cars)):
        for direction in (INWARD, OUTWARD):
            key = f"{station.key}-{vehicle.lower()}-{'ein' if direction == INWARD else 'aus'}"
            datastream = upsert_datastream(
                connection,
                key,
                dataset_id=datasets[DATASET_OF[vehicle]],
                thing_id=thing,
                sensor_id=sensor,
                observed_property_id=counted,
                name=f"{station.name}: {NAMES[vehicle]} {direction}",
                description=NOTICE,
                vehicle_class=vehicle,
                direction=direction,
                interval_seconds=int(SLOT.total_seconds()),
            )
            rows = list(copy_rows(datastream, key, vehicle, direction, size, days))
            first = START if days is None else END - SLOT * len(rows)
            last = END - SLOT
            years = frozenset(range(first.year, last.year + 1))
            batch = ObservationBatch(
                b"".join(rows), len(rows), frozenset({datastream}), first.isoformat(), last.isoformat(), years
            )
            written += write_batch(connection, batch)
            finish_writing(connection, {datastream})
    return written
