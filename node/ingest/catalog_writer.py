"""Writes catalog entries: what is unchanged is not touched, and no import ever changes a tier or a governance field."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from node.ingest.catalog_records import ContactRecord, DatasetRecord, DistributionRecord, PublisherRecord
from node.ingest.folding import sort_key
from node.ingest.upsert import upsert
from policy.licences import Licence

# Four bytes a letter, and an entry of a PostgreSQL index has at most 2,704 bytes.
_SORT_LENGTH = 500
_DATASET_COLUMNS = [
    "identifier",
    "source_iri",
    "title",
    "title_sort",
    "description",
    "publisher_id",
    "contact_id",
    "landing_page",
    "themes",
    "keywords",
    "languages",
    "issued",
    "modified",
    "accrual_periodicity",
    "temporal_start",
    "temporal_end",
    "spatial",
    "west",
    "south",
    "east",
    "north",
    "digest",
]
# Filled by the first import, afterwards the steward's.
_GOVERNED_COLUMNS = ("legal_basis", "hvd_category")
_DISTRIBUTION_COLUMNS = [
    "position",
    "title",
    "description",
    "access_url",
    "download_url",
    "format",
    "media_type",
    "byte_size",
    "licence_id",
    "licence_attribution",
    "availability",
    "issued",
    "modified",
]


class KeyTakenError(Exception):
    """The dataset's key belongs to a dataset with another identity."""


def write_dataset(connection: psycopg.Connection, dataset: DatasetRecord) -> tuple[int, bool]:
    """Insert or update a dataset with its distributions; returns its database id and whether anything was written.

    Raises:
        KeyTakenError: the key belongs to a dataset with another identifier or IRI.
    """
    found = connection.execute(
        "select id, identifier, source_iri, digest from dataset where key = %s for update", (dataset.key,)
    ).fetchone()
    if found is None:
        identity = _insert(connection, dataset)
        _replace_distributions(connection, identity, dataset)
        return identity, True
    identity, identifier, source_iri, digest = found
    if not _same_identity(dataset, identifier, source_iri):
        raise KeyTakenError(identifier or source_iri)
    if bytes(digest) == dataset.digest:
        return identity, False
    _update(connection, identity, dataset)
    _replace_distributions(connection, identity, dataset)
    return identity, True


def drop_unused_contacts(connection: psycopg.Connection) -> None:
    """Remove contacts that no dataset names any more, so personal data does not stay behind."""
    connection.execute("delete from contact c where not exists (select from dataset d where d.contact_id = c.id)")


def _same_identity(dataset: DatasetRecord, identifier: str | None, source_iri: str | None) -> bool:
    if identifier and dataset.identifier:
        return identifier == dataset.identifier
    if source_iri and dataset.source_iri:
        return source_iri == dataset.source_iri
    return True


def _insert(connection: psycopg.Connection, dataset: DatasetRecord) -> int:
    columns = ["key", *_DATASET_COLUMNS, *_GOVERNED_COLUMNS]
    statement = sql.SQL("insert into dataset ({}) values ({}) returning id").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(map(sql.Placeholder, columns))
    )
    row = connection.execute(statement, _dataset_values(connection, dataset)).fetchone()
    if row is None:
        raise RuntimeError("the database returned no id for the dataset")
    identity: int = row[0]
    return identity


def _update(connection: psycopg.Connection, identity: int, dataset: DatasetRecord) -> None:
    sets = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in _DATASET_COLUMNS]
    sets += [
        sql.SQL("{0} = coalesce({0}, {1})").format(sql.Identifier(name), sql.Placeholder(name))
        for name in _GOVERNED_COLUMNS
    ]
    statement = sql.SQL("update dataset set {}, updated_at = clock_timestamp() where id = %(id)s").format(
        sql.SQL(", ").join(sets)
    )
    connection.execute(statement, _dataset_values(connection, dataset) | {"id": identity})


def _dataset_values(connection: psycopg.Connection, dataset: DatasetRecord) -> dict[str, Any]:
    box = dataset.bbox
    return {
        "key": dataset.key,
        "identifier": dataset.identifier,
        "source_iri": dataset.source_iri,
        "title": dataset.title,
        "title_sort": sort_key(dataset.title)[:_SORT_LENGTH],
        "description": dataset.description,
        "publisher_id": _publisher_id(connection, dataset.publisher),
        "contact_id": _contact_id(connection, dataset.contact),
        "landing_page": dataset.landing_page,
        "themes": list(dataset.themes),
        "keywords": list(dataset.keywords),
        "languages": list(dataset.languages),
        "issued": dataset.issued,
        "modified": dataset.modified,
        "accrual_periodicity": dataset.accrual_periodicity,
        "temporal_start": dataset.temporal_start,
        "temporal_end": dataset.temporal_end,
        "spatial": list(dataset.spatial),
        "west": box.west if box else None,
        "south": box.south if box else None,
        "east": box.east if box else None,
        "north": box.north if box else None,
        "digest": dataset.digest,
        "legal_basis": dataset.legal_basis,
        "hvd_category": dataset.hvd_category,
    }


def _replace_distributions(connection: psycopg.Connection, identity: int, dataset: DatasetRecord) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, _DISTRIBUTION_COLUMNS))
    wanted = [
        _distribution_values(connection, position, distribution)
        for position, distribution in enumerate(dataset.distributions)
    ]
    stored = connection.execute(
        sql.SQL("select {} from distribution where dataset_id = %s order by position").format(columns), (identity,)
    ).fetchall()
    if stored == wanted:
        return
    connection.execute("delete from distribution where dataset_id = %s", (identity,))
    statement = sql.SQL("insert into distribution (dataset_id, {}) values (%s, {})").format(
        columns, sql.SQL(", ").join([sql.SQL("%s")] * len(_DISTRIBUTION_COLUMNS))
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(identity, *values) for values in wanted])


def _distribution_values(
    connection: psycopg.Connection, position: int, distribution: DistributionRecord
) -> tuple[Any, ...]:
    return (
        position,
        distribution.title,
        distribution.description,
        distribution.access_url,
        distribution.download_url,
        distribution.format,
        distribution.media_type,
        distribution.byte_size,
        _licence_id(connection, distribution.licence),
        distribution.licence_attribution,
        distribution.availability,
        distribution.issued,
        distribution.modified,
    )


def _publisher_id(connection: psycopg.Connection, publisher: PublisherRecord | None) -> int | None:
    if publisher is None:
        return None
    return upsert(
        connection,
        "publisher",
        publisher.key,
        {"name": publisher.name, "kind": publisher.kind, "homepage": publisher.homepage},
    )


def _contact_id(connection: psycopg.Connection, contact: ContactRecord | None) -> int | None:
    if contact is None:
        return None
    values = {"name": contact.name, "email": contact.email, "telephone": contact.telephone, "url": contact.url}
    return upsert(connection, "contact", contact.key, values)


def _licence_id(connection: psycopg.Connection, licence: Licence | None) -> int | None:
    if licence is None:
        return None
    return upsert(connection, "licence", licence.key, {"uri": licence.uri, "title": licence.title})
