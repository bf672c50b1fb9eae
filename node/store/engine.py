"""Synchronous engine for the command line, the importers and Alembic. The data path uses `node.store.pool`."""

from __future__ import annotations

from sqlalchemy import URL, Engine, create_engine, make_url

DRIVER = "postgresql+psycopg"


def make_engine(database_url: str) -> Engine:
    """An engine for `postgresql://…`; sessions speak UTC."""
    return create_engine(
        sqlalchemy_url(database_url),
        connect_args={"options": "-c TimeZone=UTC", "application_name": "verbund-cli", "connect_timeout": 10},
        pool_size=2,
    )


def sqlalchemy_url(database_url: str) -> URL:
    """The same URL with the driver that we use."""
    return make_url(database_url).set(drivername=DRIVER)
