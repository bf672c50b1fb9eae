"""Put a world into PostgreSQL, in place of the one before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from node.ingest.folding import sort_key
from tests.assessed import TIERS_AS_TOLD
from tests.oracle.world import World

PREPARE = (
    TIERS_AS_TOLD + "create table observation_all partition of observation for values from (minvalue) to (maxvalue)"
)
_TABLES = (
    "observation", "latest_observation", "datastream", "sensor", "observed_property", "thing", "distribution", "dataset",
    "publisher", "contact", "licence", "agreement",
)  # fmt: skip


class Database:
    """Holds one world at a time."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._world: World | None = None
        with connection.transaction():
            connection.execute(PREPARE)

    def hold(self, world: World) -> None:
        """Write the world, unless it is there already."""
        if world == self._world:
            return
        self._world = None
        with self._connection.transaction():
            for table in _TABLES:
                self._connection.execute(f"delete from {table}")
            self._write(world)
        self._world = world

    def _write(self, world: World) -> None:
        ids = {"publisher": _ids(world.publishers), "contact": _ids(world.contacts), "licence": _ids(world.licences)}
        self._insert(
            "publisher",
            "id key name kind homepage",
            ((i, p.key, p.name, p.kind, p.homepage) for i, p in _numbered(world.publishers)),
        )
        self._insert(
            "contact",
            "id key name email telephone url",
            ((i, c.key, c.name, c.email, c.telephone, c.url) for i, c in _numbered(world.contacts)),
        )
        self._insert("licence", "id key uri title", ((i, x.key, x.uri, x.title) for i, x in _numbered(world.licences)))
        self._insert(
            "dataset",
            "id key identifier title title_sort description publisher_id contact_id landing_page themes keywords languages"
            " issued modified accrual_periodicity temporal_start temporal_end spatial west south east north tier"
            " legal_basis hvd_category digest purposes licence obligations open_obligations",
            (
                (
                    i, d.key, d.identifier, d.title, sort_key(d.title), d.description,
                    d.publisher and ids["publisher"][d.publisher.key], d.contact and ids["contact"][d.contact.key],
                    d.landing_page, list(d.themes), list(d.keywords), list(d.languages), d.issued, d.modified,
                    d.accrual_periodicity, d.temporal_start, d.temporal_end, list(d.spatial), *(d.bbox or [None] * 4),
                    d.tier, d.legal_basis, d.hvd_category, b"", d.purposes if d.purposes is None else list(d.purposes),
                    d.licence, list(d.obligations), list(d.open_obligations),
                )
                for i, d in _numbered(world.datasets)
            ),
        )  # fmt: skip
        self._insert(
            "distribution",
            "dataset_id position title description access_url download_url format media_type byte_size licence_id"
            " licence_attribution availability issued modified",
            (
                (
                    i, position, x.title, x.description, x.access_url, x.download_url, x.format, x.media_type, x.byte_size,
                    x.licence and ids["licence"][x.licence.key], x.licence_attribution, x.availability, x.issued, x.modified,
                )
                for i, d in _numbered(world.datasets)
                for position, x in enumerate(d.distributions)
            ),
        )  # fmt: skip
        self._insert(
            "thing",
            "id key name description longitude latitude place",
            (
                (i, t.key, t.name, t.description, *(t.location or (None, None)), t.place)
                for i, t in _numbered(world.things)
            ),
        )
        self._insert(
            "sensor",
            "id key name description encoding_type metadata",
            ((i, s.key, s.name, s.description, s.encoding_type, s.metadata) for i, s in _numbered(world.sensors)),
        )
        self._insert(
            "observed_property",
            "id key name definition description",
            ((i, p.key, p.name, p.definition, p.description) for i, p in _numbered(world.observed_properties)),
        )
        self._write_datastreams(world)
        self._insert(
            "agreement",
            "id member applications datasets purposes valid_from valid_until accepted_at revoked_at",
            (
                (
                    a.id,
                    a.member,
                    list(a.applications),
                    list(a.datasets),
                    list(a.purposes),
                    a.valid_from,
                    a.valid_until,
                    a.valid_from,
                    a.revoked_at,
                )
                for a in world.agreements
            ),
        )

    def _write_datastreams(self, world: World) -> None:
        datasets, things = _ids(world.datasets), _ids(world.things)
        sensors, properties = _ids(world.sensors), _ids(world.observed_properties)
        self._insert(
            "datastream",
            "id key dataset_id thing_id sensor_id observed_property_id name description observation_type unit"
            " vehicle_class direction interval_seconds phenomenon_start phenomenon_end",
            (
                (
                    i, s.key, datasets[s.dataset.key], things[s.thing.key], sensors[s.sensor.key],
                    properties[s.observed_property.key], s.name, s.description, s.observation_type, s.unit,
                    s.vehicle_class, s.direction, s.interval_seconds, s.phenomenon_start, s.phenomenon_end,
                )
                for i, s in _numbered(world.datastreams)
            ),
        )  # fmt: skip
        columns = "datastream_id phenomenon_time phenomenon_end result quality"
        rows = [
            [(i, o.time, o.end, o.result, o.quality) for o in s.observations] for i, s in _numbered(world.datastreams)
        ]
        self._insert("observation", columns, (row for group in rows for row in group))
        self._insert("latest_observation", columns, (max(group, key=lambda row: row[1]) for group in rows if group))

    def _insert(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        names = columns.split()
        values = list(rows)
        if values:
            row = f"({', '.join(['%s'] * len(names))})"
            self._connection.execute(
                f"insert into {table} ({', '.join(names)}) overriding system value values {', '.join([row] * len(values))}",
                [value for one in values for value in one],
            )


def _numbered(records: Sequence[Any]) -> Iterable[tuple[int, Any]]:
    return enumerate(records, start=1)


def _ids(records: Sequence[Any]) -> dict[str, int]:
    return {record.key: number for number, record in _numbered(records)}
