"""How GraphQL types lie in the tables. `{t}` is the alias of the row, `{city}` this city's id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from node.store import tables
from node.store.sql import json_text, json_value


@dataclass(frozen=True, slots=True)
class Inline:
    """An object that lies in the same row; null if `present` is false."""

    type_name: str
    present: str


@dataclass(frozen=True, slots=True)
class One:
    """An object in another table: at most one row. `{o}` is the alias of the outer row."""

    type_name: str
    table: str
    condition: str


@dataclass(frozen=True, slots=True)
class Many:
    """A plain list from another table."""

    type_name: str
    table: str
    condition: str
    order: str


@dataclass(frozen=True, slots=True)
class Related:
    """A nested connection; `condition` ties its rows (`{t}`) to the outer row (`{o}`).

    `by_outer`: the outer row is the parent by which `node.store.lists` reads the rows.
    """

    type_name: str
    condition: str = "true"
    by_outer: bool = False


@dataclass(frozen=True, slots=True)
class Mapped:
    """One GraphQL object type: its scalars as expressions of JSON text, and its relations."""

    scalars: Mapping[str, str]
    relations: Mapping[str, Inline | One | Many | Related] = field(default_factory=dict)


def _plain(table: sa.Table, *names: str, **renamed: str) -> dict[str, str]:
    columns = {name: name for name in names} | renamed
    return {name: json_value(f"{{t}}.{column}", table.c[column]) for name, column in columns.items()}


def _identity(kind: str) -> dict[str, str]:
    return {"id": json_text(f"{{city}} || ':{kind}:' || {{t}}.key"), "city": json_text("{city}")}


def _or_null(expression: str) -> str:
    return f"coalesce({json_text(expression)}, 'null')"


TYPES: Mapping[str, Mapped] = {
    "Publisher": Mapped(_plain(tables.publisher, "name", "kind", "homepage")),
    "Contact": Mapped(_plain(tables.contact, "name", "email", "telephone", "url")),
    "Licence": Mapped(_plain(tables.licence, "uri", "title", code="key")),
    "Distribution": Mapped(
        _plain(tables.distribution,
            "title", "description", "format", "availability", "issued", "modified",
            accessURL="access_url", downloadURL="download_url", mediaType="media_type", byteSize="byte_size",
            licenceAttribution="licence_attribution",
        ),
        {"licence": One("Licence", "licence", "{t}.id = {o}.licence_id")},
    ),
    "BoundingBox": Mapped(_plain(tables.dataset, "west", "south", "east", "north")),
    "TemporalExtent": Mapped(_plain(tables.dataset, start="temporal_start", end="temporal_end")),
    "DatasetUse": Mapped(
        _plain(tables.dataset, "purposes", "licence", "obligations", withoutAgreement="open_obligations")
        | {name: f"coalesce('{purpose}' = any({{t}}.purposes), false)::text" for name, purpose in
           {"aiTraining": "ai-training", "aiAssistance": "ai-assistance"}.items()}
    ),
    "Dataset": Mapped(
        _identity("dataset")
        | _plain(tables.dataset,
            "identifier", "title", "description", "tier", "themes", "keywords", "languages", "issued", "modified",
            "spatial",
            landingPage="landing_page", accrualPeriodicity="accrual_periodicity", legalBasis="legal_basis",
            hvdCategory="hvd_category",
        ),
        {
            "publisher": One("Publisher", "publisher", "{t}.id = {o}.publisher_id"),
            "contactPoint": One("Contact", "contact", "{t}.id = {o}.contact_id"),
            "temporal": Inline("TemporalExtent", "coalesce({t}.temporal_start, {t}.temporal_end) is not null"),
            "bbox": Inline("BoundingBox", "{t}.west is not null"),
            "use": Inline("DatasetUse", "true"),
            "distributions": Many("Distribution", "distribution", "{t}.dataset_id = {o}.id", "position"),
            "datastreams": Related("Datastream", "{t}.dataset_id = {o}.id"),
        },
    ),
    "Location": Mapped(_plain(tables.thing, "longitude", "latitude", "place")),
    "Thing": Mapped(
        _identity("thing") | _plain(tables.thing, "name", "description"),
        {
            "location": Inline("Location", "{t}.longitude is not null"),
            "datastreams": Related("Datastream", "{t}.thing_id = {o}.id"),
        },
    ),
    "Sensor": Mapped(
        _identity("sensor") | _plain(tables.sensor, "name", "description", "metadata", encodingType="encoding_type")
    ),
    "ObservedProperty": Mapped(
        _identity("observed-property") | _plain(tables.observed_property, "key", "name", "definition", "description")
    ),
    "Datastream": Mapped(
        _identity("datastream")
        | _plain(tables.datastream,
            "name", "description", "unit", "direction",
            observationType="observation_type", vehicleClass="vehicle_class", intervalSeconds="interval_seconds",
            phenomenonStart="phenomenon_start", phenomenonEnd="phenomenon_end",
        ),
        {
            "thing": One("Thing", "thing", "{t}.id = {o}.thing_id"),
            "sensor": One("Sensor", "sensor", "{t}.id = {o}.sensor_id"),
            "observedProperty": One("ObservedProperty", "observed_property", "{t}.id = {o}.observed_property_id"),
            "dataset": One("Dataset", "dataset", "{t}.id = {o}.dataset_id and granted({readable}, {t}.id)"),
            "latest": One(
                "Observation",
                "latest_observation",
                "{t}.datastream_id = {o}.id and granted({observable}, {o}.dataset_id)",
            ),
            "observations": Related("Observation", by_outer=True),
        },
    ),
    "Observation": Mapped(
        _plain(
            tables.observation, "result", "quality",
            phenomenonTime="phenomenon_time", phenomenonEnd="phenomenon_end",
        ),
        {
            "datastream": One(
                "Datastream", "datastream", "{t}.id = {o}.datastream_id and granted({readable}, {t}.dataset_id)"
            )
        },
    ),
    "AccessRecord": Mapped(
        _plain(tables.access_record, "at", "rows", "bytes", traceId="trace_id", tokenId="token_id", subject="subject",
            receipt="receipt")
        | {name: json_value(f"(select {column} from access_kind where id = {{t}}.kind)", tables.access_kind.c[column])
           for name, column in {
               "role": "role", "counterpart": "counterpart", "callerCity": "caller_city",
               "application": "application", "purpose": "purpose", "legalBasis": "legal_basis", "action": "action",
               "field": "field", "fields": "fields", "datasets": "datasets", "decision": "decision", "rules": "rules",
               "policyVersion": "policy_version", "obligations": "obligations", "state": "state",
               "positions": "positions",
           }.items()}
        | {
            "id": json_text("{t}.id::text"),
            "tookMs": "({t}.took_us / 1000.0)::float8::text",
            "requestDigest": _or_null("encode({t}.request_digest, 'hex')"),
            "responseDigest": _or_null("encode({t}.response_digest, 'hex')"),
            "leaf": json_text("encode({t}.leaf, 'hex')"),
            "position": (
                "coalesce((select case when {t}.id < record_id + length then (position + {t}.id - record_id)::text end"
                " from log_run where record_id <= {t}.id order by record_id desc limit 1), 'null')"
            ),
            "operation": json_text("encode((select operation from access_kind where id = {t}.kind), 'hex')"),
            "document": _or_null(
                "(select document from operation join access_kind k on digest = k.operation where k.id = {t}.kind)"
            ),
        }
    ),
}  # fmt: skip
