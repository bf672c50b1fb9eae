"""The tables of a node, as SQLAlchemy metadata.

Times are `timestamptz`, stored in UTC. `key` columns hold the local part of a global id; surrogate `id` columns never
leave the database. Observations are partitioned by year (UTC); `ensure_partitions` in `node.store.partitions` makes
the partitions an import needs.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from node.store.arrival_tables import arrival, arrival_horizon
from node.store.columns import METADATA, QUALITY, TIER
from node.store.columns import own_id as _id
from node.store.columns import own_key as _key
from node.store.columns import texts_column as _texts
from node.store.columns import time_column as _time
from node.store.log_tables import access_kind, access_record
from node.store.sql import long_ago

__all__ = ["METADATA", "access_kind", "access_record", "arrival", "arrival_horizon"]


def _name_sort() -> sa.Column[str]:
    computed = sa.Computed("left(lower(name), 400)", persisted=True)
    comment = "name folded for sorting, as short as a cursor's part must be"
    return sa.Column("name_sort", sa.Text(collation="C"), computed, nullable=False, comment=comment)


def _names_search(place: str, name: str = "search", comment: str | None = None) -> sa.Column[str]:
    computed = sa.Computed(f"names_search(name, {place}, description)", persisted=True)
    return sa.Column(name, pg.TSVECTOR, computed, nullable=False, comment=comment)


publisher = sa.Table(
    "publisher",
    METADATA,
    _id(),
    _key(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, comment="IRI of the ADMS publisher type"),
    sa.Column("homepage", sa.Text),
)

contact = sa.Table(
    "contact",
    METADATA,
    _id(),
    _key(),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text, comment="without mailto:"),
    sa.Column("telephone", sa.Text, comment="without tel:"),
    sa.Column("url", sa.Text),
)

licence = sa.Table(
    "licence",
    METADATA,
    _id(),
    _key(),
    sa.Column("uri", sa.Text, nullable=False, comment="canonical IRI under http://dcat-ap.de/def/licenses/"),
    sa.Column("title", sa.Text, nullable=False),
)

dataset = sa.Table(
    "dataset",
    METADATA,
    _id(),
    _key(),
    sa.Column("identifier", sa.Text, comment="dcterms:identifier, as published"),
    sa.Column("source_iri", sa.Text, comment="subject IRI in the imported catalog"),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("title_sort", sa.Text(collation="C"), nullable=False, comment="title folded for sorting"),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("publisher_id", sa.ForeignKey("publisher.id"), index=True),
    sa.Column("contact_id", sa.ForeignKey("contact.id"), index=True),
    sa.Column("landing_page", sa.Text),
    _texts("themes"),
    _texts("keywords"),
    _texts("languages"),
    _time("issued"),
    _time("modified"),
    sa.Column("accrual_periodicity", sa.Text, comment="EU frequency code, e.g. DAILY"),
    _time("temporal_start"),
    _time("temporal_end"),
    _texts("spatial"),
    sa.Column("west", sa.Double),
    sa.Column("south", sa.Double),
    sa.Column("east", sa.Double),
    sa.Column("north", sa.Double),
    sa.Column("tier", TIER, nullable=False, server_default="INTERNAL"),
    sa.Column("tier_reason", sa.Text),
    sa.Column("tier_set_by", sa.Text),
    _time("tier_set_at"),
    sa.Column("data_owner", sa.Text, comment="office that owns the data"),
    sa.Column("data_steward", sa.Text),
    sa.Column("personal_reference", sa.Text, comment="NONE, INDIRECT or DIRECT; null = not assessed"),
    sa.Column("legal_basis", sa.Text, comment="ELI or text"),
    sa.Column("hvd_category", sa.Text, comment="high-value-dataset category IRI"),
    _time("review_due"),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the imported description"),
    _time("created_at", nullable=False, default=True),
    _time("updated_at", nullable=False, default=True),
    sa.Column("search", pg.TSVECTOR, nullable=False, server_default=""),
    sa.Column(
        "assessment_id",
        sa.ForeignKey("assessment.id", use_alter=True),
        index=True,
        comment="the assessment in force",
    ),
    sa.Column("purposes", pg.ARRAY(sa.Text), comment="that the assessment in force allows; null = not limited"),
    sa.Column("licence", sa.Text, comment="that the assessment in force names"),
    _texts("obligations", "for all other cities"),
    _texts("open_obligations", "also, without an agreement"),
    sa.Index("ix_dataset_title_sort_key", "title_sort", "key"),
    sa.Index("ix_dataset_modified_key", sa.text(long_ago("modified")), "key"),
    sa.Index("ix_dataset_issued_key", sa.text(long_ago("issued")), "key"),
    sa.Index("ix_dataset_themes", "themes", postgresql_using="gin"),
    sa.Index("ix_dataset_keywords", "keywords", postgresql_using="gin"),
    sa.Index("ix_dataset_languages", "languages", postgresql_using="gin"),
    sa.Index("ix_dataset_search", "search", postgresql_using="gin"),
    sa.CheckConstraint(
        "(west is null) = (south is null) and (west is null) = (east is null) and (west is null) = (north is null)",
        name="bbox_whole",
    ),
)

dataset_word = sa.Table(
    "dataset_word",
    METADATA,
    sa.Column("dataset_id", sa.ForeignKey("dataset.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "word", sa.Text(collation="C"), primary_key=True, index=True, comment="a word of title or keywords, folded"
    ),
    sa.Column("shown", sa.Text, nullable=False, comment="as the dataset writes it"),
)

word_trigram = sa.Table(
    "word_trigram",
    METADATA,
    sa.Column("trigram", sa.Text(collation="C"), primary_key=True),
    sa.Column("word", sa.Text(collation="C"), primary_key=True, index=True, comment="of dataset_word"),
    sa.Column("trigrams", sa.Integer, nullable=False, comment="how many the word has"),
)

distribution = sa.Table(
    "distribution",
    METADATA,
    _id(),
    sa.Column("dataset_id", sa.ForeignKey("dataset.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("title", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("access_url", sa.Text, nullable=False),
    sa.Column("download_url", sa.Text),
    sa.Column("format", sa.Text, comment="EU file-type code, e.g. CSV"),
    sa.Column("media_type", sa.Text),
    sa.Column("byte_size", sa.BigInteger),
    sa.Column("licence_id", sa.ForeignKey("licence.id"), index=True),
    sa.Column("licence_attribution", sa.Text),
    sa.Column("availability", sa.Text),
    _time("issued"),
    _time("modified"),
    sa.UniqueConstraint("dataset_id", "position"),
)

thing = sa.Table(
    "thing",
    METADATA,
    _id(),
    _key(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("longitude", sa.Double, comment="WGS 84 degrees"),
    sa.Column("latitude", sa.Double, comment="WGS 84 degrees"),
    sa.Column("place", sa.Text, comment="name of the location"),
    sa.Column("properties", pg.JSONB, nullable=False, server_default=sa.text("'{}'")),
    _names_search("place"),
    _names_search("null", "search_unplaced", "search without the place"),
    _name_sort(),
    sa.Index("ix_thing_longitude_latitude", "longitude", "latitude"),
    sa.Index("ix_thing_latitude", "latitude"),
    sa.Index("ix_thing_name_sort_key", "name_sort", "key"),
    sa.Index("ix_thing_search", "search", postgresql_using="gin"),
    sa.CheckConstraint("(longitude is null) = (latitude is null)", name="location_whole"),
)

sensor = sa.Table(
    "sensor",
    METADATA,
    _id(),
    _key(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("encoding_type", sa.Text, nullable=False, server_default="text/plain"),
    sa.Column("metadata", sa.Text, nullable=False, server_default=""),
)

observed_property = sa.Table(
    "observed_property",
    METADATA,
    _id(),
    _key(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("definition", sa.Text, nullable=False, comment="IRI"),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
)

datastream = sa.Table(
    "datastream",
    METADATA,
    _id(),
    _key(),
    sa.Column("dataset_id", sa.ForeignKey("dataset.id"), nullable=False, index=True),
    sa.Column("thing_id", sa.ForeignKey("thing.id"), nullable=False, index=True),
    sa.Column("sensor_id", sa.ForeignKey("sensor.id"), nullable=False, index=True),
    sa.Column("observed_property_id", sa.ForeignKey("observed_property.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("observation_type", sa.Text, nullable=False, comment="IRI, OGC O&M 2.0"),
    sa.Column("unit", sa.Text, nullable=False, comment="UCUM code"),
    sa.Column("vehicle_class", sa.Text, comment="BICYCLE, CAR, PEDESTRIAN …; null = not about vehicles"),
    sa.Column("direction", sa.Text, comment="as the city names it"),
    sa.Column("interval_seconds", sa.Integer, comment="length of an observation's phenomenonTime; null = instant"),
    _time("phenomenon_start"),
    _time("phenomenon_end"),
    _names_search("direction"),
    _names_search("null", "search_undirected", "search without the direction"),
    _name_sort(),
    sa.Index("ix_datastream_name_sort_key", "name_sort", "key"),
    sa.Index("ix_datastream_search", "search", postgresql_using="gin"),
)

observation = sa.Table(
    "observation",
    METADATA,
    sa.Column("datastream_id", sa.Integer, primary_key=True),
    sa.Column("phenomenon_time", sa.DateTime(timezone=True), primary_key=True, comment="start, if an interval"),
    sa.Column("phenomenon_end", sa.DateTime(timezone=True), comment="end of the interval; null = instant"),
    sa.Column("result", sa.Double, comment="null = no valid value"),
    sa.Column("quality", QUALITY, nullable=False, server_default="RAW"),
    postgresql_partition_by="RANGE (phenomenon_time)",
)

latest_observation = sa.Table(
    "latest_observation",
    METADATA,
    sa.Column("datastream_id", sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("phenomenon_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("phenomenon_end", sa.DateTime(timezone=True)),
    sa.Column("result", sa.Double),
    sa.Column("quality", QUALITY, nullable=False),
)

policy_epoch = sa.Table(
    "policy_epoch",
    METADATA,
    sa.Column("single", sa.Boolean, sa.CheckConstraint("single", name="one_row"), primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False, comment="grows whenever a decision may change"),
)

ingest_run = sa.Table(
    "ingest_run",
    METADATA,
    _id(),
    sa.Column("kind", sa.Text, nullable=False, comment="dcat or counts"),
    sa.Column("source", sa.Text, nullable=False),
    _time("started_at", nullable=False, default=True),
    _time("finished_at"),
    sa.Column("read", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("written", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("unchanged", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("quarantined", sa.BigInteger, nullable=False, server_default="0"),
)

ingest_file = sa.Table(
    "ingest_file",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True, comment="relative to the source"),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of file and mapping"),
    sa.Column("run_id", sa.ForeignKey("ingest_run.id"), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    _time("finished_at", nullable=False, default=True),
)

quarantine = sa.Table(
    "quarantine",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("ingest_run.id"), nullable=False, index=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("location", sa.Text, nullable=False, comment="file and line, or subject IRI"),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False, comment="as it was read, at most 500 characters"),
    sa.Column("reason", sa.Text, nullable=False, comment="stable code, e.g. time.nonexistent"),
    sa.Column("message", sa.Text, nullable=False, comment="what is wrong and what to do"),
    sa.UniqueConstraint("source", "location", "field", "reason"),
)
