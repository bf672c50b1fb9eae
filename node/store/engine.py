"""Synchronous engine for the command line, the importers and Alembic. The data path uses `node.store.pool`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine

DRIVER = "postgresql+psycopg"
OWN_IT = "make the user of database_url the owner of the database and of all in it"


def make_engine(database_url: str) -> Engine:
    """An engine for `postgresql://…`, which libpq reads as it does for the node; sessions speak UTC."""

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(
            database_url, options="-c TimeZone=UTC", application_name="verbund-cli", connect_timeout=10
        )

    return create_engine(f"{DRIVER}://", creator=connect, pool_size=2)


@contextmanager
def open_engine(database_url: str) -> Iterator[Engine]:
    """An engine whose connections are closed at the end, whatever happens."""
    engine = make_engine(database_url)
    try:
        yield engine
    finally:
        engine.dispose()
