"""Fill one city's database with the demo: catalog, stations, a year of counts, tiers, agreements."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import psycopg

from node.demo.counters import BICYCLE, CAR, END, INWARD, OUTWARD, SLOT, START, copy_rows
from node.demo.governance import AGREEMENTS
from node.demo.stations import STATIONS, Station
from node.ingest.catalog_records import BoundingBox, ContactRecord, DatasetRecord, DistributionRecord, PublisherRecord
from node.ingest.catalog_writer import write_dataset
from node.ingest.licences import find_licence
from node.ingest.observations import ObservationBatch, refresh_datastreams, write_batch
from node.ingest.sensors import upsert_datastream, upsert_observed_property, upsert_sensor, upsert_thing

VERSION = "demo 1"
NOTICE = "Synthetische Demodaten."
LOCAL_AUTHORITY = "http://purl.org/adms/publishertype/LocalAuthority"
DATASET_OF = {BICYCLE: "radverkehrszaehlung", CAR: "kfz-verkehrszaehlung"}
NAMES = {BICYCLE: "Fahrräder", CAR: "Kraftfahrzeuge"}
ISSUED = datetime(2025, 11, 1, tzinfo=UTC)
MODIFIED = datetime(2026, 11, 1, tzinfo=UTC)


def load_city(database_url: str, city: str, *, days: int | None = None) -> bool:
    """Load the city in one transaction; False if that was done before. `days` limits the counts to the last ones."""
    source = f"{VERSION}, {'a year' if days is None else f'{days} days'}"
    with psycopg.connect(database_url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('verbund.demo'))")
        done = "select from ingest_run where kind = 'demo' and source = %s and finished_at is not null"
        if connection.execute(done, (source,)).fetchone() is not None:
            return False
        datasets = _load_catalog(connection, city)
        written = sum(_load_station(connection, datasets, station, days) for station in STATIONS[city])
        _load_agreements(connection, city)
        connection.execute(
            "insert into ingest_run (kind, source, finished_at, read, written) values ('demo', %s, now(), %s, %s)",
            (source, written, written),
        )
    return True


def catalog(city: str) -> dict[str, Any]:
    """The city's catalog as it is written down."""
    text = files("node.demo").joinpath("catalogs", f"{city}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _load_catalog(connection: psycopg.Connection, city: str) -> dict[str, int]:
    described = catalog(city)
    ids = {}
    for entry in described["dataset"]:
        record = _record(city, described, entry)
        ids[record.key], _ = write_dataset(connection, record)
        connection.execute(
            "update dataset set tier = %s::tier, tier_reason = %s, tier_set_by = 'demo', tier_set_at = %s"
            " where key = %s",
            (entry["tier"], entry["reason"], ISSUED, record.key),
        )
    return ids


def _record(city: str, described: dict[str, Any], entry: dict[str, Any]) -> DatasetRecord:
    host = f"https://daten.{city}.example"
    licence = find_licence(f"http://dcat-ap.de/def/licenses/{entry['licence']}")
    return DatasetRecord(
        key=entry["key"],
        identifier=entry["key"],
        title=entry["title"],
        description=f"{entry['description']} {NOTICE}",
        publisher=PublisherRecord(city, described["publisher"], LOCAL_AUTHORITY),
        contact=ContactRecord(city, "Datenbüro (Demo)", email=f"daten@{city}.example"),
        landing_page=f"{host}/{entry['key']}",
        themes=tuple(entry["themes"]),
        keywords=tuple(entry["keywords"]),
        languages=("DEU",),
        issued=ISSUED,
        modified=MODIFIED,
        accrual_periodicity=entry["frequency"],
        temporal_start=START if entry["key"] in DATASET_OF.values() else None,
        temporal_end=END if entry["key"] in DATASET_OF.values() else None,
        bbox=BoundingBox(*described["bbox"]),
        distributions=tuple(
            DistributionRecord(
                f"{host}/{entry['key']}.{format_.lower()}", title=format_, format=format_, licence=licence
            )
            for format_ in entry["formats"]
        ),
    )


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
        definition="http://www.opengis.net/def/property/OGC/0/TrafficCount",
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
            batch = ObservationBatch(
                b"".join(rows), len(rows), frozenset({datastream}), first.isoformat(), (END - SLOT).isoformat()
            )
            written += write_batch(connection, batch)
            refresh_datastreams(connection, {datastream})
    return written


def _load_agreements(connection: psycopg.Connection, city: str) -> None:
    for agreement in AGREEMENTS[city]:
        connection.execute(
            "insert into agreement (id, member, datasets, purposes, valid_from, valid_until, note)"
            " values (%s, %s, %s, %s, %s, %s, 'Demo') on conflict do nothing",
            (
                agreement.id,
                agreement.member,
                sorted(agreement.datasets),
                sorted(agreement.purposes),
                agreement.valid_from,
                agreement.valid_until,
            ),
        )
