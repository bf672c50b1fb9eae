"""Things, sensors, observed properties and datastreams by key; running it again changes nothing."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from node.ingest.counts.mapping import COUNT_OBSERVATION
from node.ingest.upsert import upsert


def upsert_thing(
    connection: psycopg.Connection,
    key: str,
    *,
    name: str,
    description: str = "",
    location: tuple[float, float] | None = None,
    place: str | None = None,
    properties: dict[str, Any] | None = None,
) -> int:
    """A station; `location` is (longitude, latitude) in WGS 84 degrees. What is None is left as it is."""
    values: dict[str, Any] = {"name": name, "description": description}
    if location is not None:
        values["longitude"], values["latitude"] = location
    if place is not None:
        values["place"] = place
    if properties is not None:
        values["properties"] = Jsonb(properties)
    return upsert(connection, "thing", key, values)


def upsert_sensor(connection: psycopg.Connection, key: str, *, name: str, description: str = "") -> int:
    """What measures."""
    return upsert(connection, "sensor", key, {"name": name, "description": description})


def upsert_observed_property(
    connection: psycopg.Connection, key: str, *, name: str, definition: str, description: str = ""
) -> int:
    """What is measured; `definition` is an IRI."""
    values = {"name": name, "definition": definition, "description": description}
    return upsert(connection, "observed_property", key, values)


def upsert_datastream(
    connection: psycopg.Connection,
    key: str,
    *,
    dataset_id: int,
    thing_id: int,
    sensor_id: int,
    observed_property_id: int,
    name: str,
    description: str = "",
    observation_type: str = COUNT_OBSERVATION,
    unit: str = "1",
    vehicle_class: str | None = None,
    direction: str | None = None,
    interval_seconds: int | None = None,
) -> int:
    """One series: `unit` is a UCUM code, `interval_seconds` None for instants."""
    return upsert(
        connection,
        "datastream",
        key,
        {
            "dataset_id": dataset_id,
            "thing_id": thing_id,
            "sensor_id": sensor_id,
            "observed_property_id": observed_property_id,
            "name": name,
            "description": description,
            "observation_type": observation_type,
            "unit": unit,
            "vehicle_class": vehicle_class,
            "direction": direction,
            "interval_seconds": interval_seconds,
        },
    )
