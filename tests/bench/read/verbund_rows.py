"""Fills Verbund's database as a city's would be: datasets of all tiers, most of them without sensors, and counters.

Of the datastreams that are measured some are open, some shared and some internal; a few protected ones, which nobody may
see, lie among them.
"""

from __future__ import annotations

import psycopg

from node.ingest.observations import refresh_datastreams
from node.ingest.sensors import upsert_datastream, upsert_observed_property, upsert_sensor, upsert_thing
from node.store.partitions import ensure_partitions
from tests.assessed import TIERS_AS_TOLD
from tests.bench.read.queries import datastream_key
from tests.bench.read.scale import SLOT, Scale, rows_sql

UNIT = "1"
CLASSES = ("BICYCLE", "CAR", "PEDESTRIAN")
DIRECTIONS = ("stadteinwärts", "stadtauswärts")
WITH_SENSORS = ("OPEN", "OPEN", "SHARED", "OPEN", "INTERNAL", "SHARED", "OPEN", "INTERNAL")
OTHERS = 190
HIDDEN = 10
HIDDEN_EACH = 1_000

CATALOG = (
    TIERS_AS_TOLD
    + """
insert into publisher (key, name) select 'amt-' || i, 'Amt ' || i from generate_series(1, 12) i;
insert into dataset (key, title, title_sort, description, tier, digest, themes, keywords, publisher_id, modified)
select 'liste-' || i, 'Verzeichnis ' || i, 'verzeichnis ' || i, 'Synthetisches Verzeichnis der Verwaltung',
       (array['OPEN', 'SHARED', 'INTERNAL', 'PROTECTED'])[i %% 4 + 1]::tier, '',
       array[(array['TRAN', 'GOVE', 'ENVI'])[i %% 3 + 1]], array['synthetisch', 'liste ' || i], i %% 12 + 1,
       timestamptz '2026-01-01Z' + i * interval '1 hour'
  from generate_series(1, %(others)s) i
"""
)


def fill_verbund(url: str, scale: Scale, seed: int = 0) -> None:
    """Fill the migrated, empty database; another `seed` gives other results."""
    with psycopg.connect(url, autocommit=True, options="-c synchronous_commit=off -c TimeZone=UTC") as connection:
        for statement in CATALOG.split(";\n"):
            connection.execute(statement.encode(), {"others": OTHERS} if "%(" in statement else None)
        datasets = [_dataset(connection, f"zaehlung-{n}", tier) for n, tier in enumerate(WITH_SENSORS, 1)]
        hidden = _dataset(connection, "zaehlung-geschuetzt", "PROTECTED")
        _agreements(connection)
        ensure_partitions(connection, scale.years)
        datastreams = []
        for number in range(1, scale.datastreams + 1):
            datastream = _datastream(connection, number, datasets[number % len(datasets)], datastream_key(number))
            _observations(connection, datastream, seed + number, scale)
            datastreams.append(datastream)
        for number in range(1, HIDDEN + 1):
            datastream = _datastream(connection, number, hidden, f"geschuetzt-{number}")
            _observations(connection, datastream, seed + number, Scale(HIDDEN, HIDDEN_EACH))
            datastreams.append(datastream)
        refresh_datastreams(connection, datastreams)


def name_of(number: int) -> str:
    """Names sort as the numbers do."""
    return f"Zählstelle {number:04d} {DIRECTIONS[number % 2]}"


def vehicle_class_of(number: int) -> str:
    """What the datastream counts."""
    return CLASSES[number % len(CLASSES)]


def _dataset(connection: psycopg.Connection, key: str, tier: str) -> int:
    row = connection.execute(
        "insert into dataset (key, title, title_sort, tier, digest, themes) values (%s, %s, %s, %s::tier, '', '{TRAN}')"
        " returning id",
        (key, f"Verkehrszählung {key}", f"verkehrszahlung {key}", tier),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _agreements(connection: psycopg.Connection) -> None:
    for member in ("beispielstadt", "neustadt"):
        connection.execute(
            "insert into agreement (id, member, datasets, purposes, valid_from, valid_until, accepted_at) values"
            " (%s, %s, '{zaehlung-3,zaehlung-6}', '{traffic-planning,research}', '2026-01-01Z', '2036-01-01Z', now())",
            (f"zaehlungen-{member}", member),
        )


def _datastream(connection: psycopg.Connection, number: int, dataset: int, key: str) -> int:
    station = (number + 1) // 2
    thing = upsert_thing(
        connection,
        f"station-{station}",
        name=f"Zählstelle {station:04d}",
        location=(8.7 + station % 25 / 500, 50.1 + station // 25 / 500),
        place=f"Straße {station}",
    )
    sensor = upsert_sensor(connection, "schleife", name="Induktionsschleife")
    counted = upsert_observed_property(
        connection, "traffic-count", name="Verkehrsstärke", definition="https://verbund.example/def/traffic-count"
    )
    return upsert_datastream(
        connection,
        key,
        dataset_id=dataset,
        thing_id=thing,
        sensor_id=sensor,
        observed_property_id=counted,
        name=name_of(number),
        description="Synthetisch",
        unit=UNIT,
        vehicle_class=vehicle_class_of(number),
        direction=DIRECTIONS[number % 2],
        interval_seconds=int(SLOT.total_seconds()),
    )


def _observations(connection: psycopg.Connection, datastream: int, number: int, scale: Scale) -> None:
    connection.execute(
        "insert into observation (datastream_id, phenomenon_time, phenomenon_end, result, quality)"
        " select %(datastream)s, made.at, made.until, made.result, made.quality::observation_quality"
        f" from ({rows_sql(scale)}) made (at, until, result, quality)".encode(),
        {"datastream": datastream, "number": number},
    )
