"""Columns that tables have in common, and the metadata that all tables belong to."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TIER = pg.ENUM("OPEN", "SHARED", "INTERNAL", "PROTECTED", name="tier", metadata=METADATA)
QUALITY = pg.ENUM("RAW", "CHECKED", "ESTIMATED", "SUSPECT", "MISSING", name="observation_quality", metadata=METADATA)
EMPTY_ARRAY = sa.text("'{}'")
NOW = sa.text("now()")


def own_id() -> sa.Column[int]:
    """A surrogate key."""
    return sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True)


def own_key() -> sa.Column[str]:
    """The local part of a global id."""
    return sa.Column("key", sa.Text(collation="C"), nullable=False, unique=True)


def time_column(name: str, *, nullable: bool = True, default: bool = False) -> sa.Column[object]:
    """A time in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=NOW if default else None)


def texts_column(name: str, comment: str | None = None) -> sa.Column[list[str]]:
    """A list of texts, empty by default."""
    return sa.Column(name, pg.ARRAY(sa.Text), nullable=False, server_default=EMPTY_ARRAY, comment=comment)
