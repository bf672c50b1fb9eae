"""The asynchronous connections of the data path: psycopg 3, sessions in UTC, JSON handed on as bytes."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]
WAIT_S = 3.0
LIFETIME_S = 600.0  # a session's memory grows with the statements it has prepared
PREPARED = 64


class JsonBytes(Loader):
    """PostgreSQL's JSON text as it stands: it goes into the answer without becoming Python objects."""

    def load(self, data: bytes | bytearray | memoryview) -> bytes:
        """Copy the value out of the network buffer."""
        return bytes(data)


def make_pool(database_url: str, *, size: int, statement_ms: int) -> Pool:
    """A closed pool; `async with` opens it. Raises `psycopg_pool.PoolTimeout` on use if no connection comes."""
    return AsyncConnectionPool(
        database_url,
        min_size=min(2, size),
        max_size=size,
        open=False,
        timeout=WAIT_S,
        max_idle=300,
        max_lifetime=LIFETIME_S,
        reconnect_timeout=1.0,
        configure=_configure,
        check=None,
        kwargs={
            "autocommit": True,
            "prepare_threshold": 2,
            "application_name": "verbund-node",
            "connect_timeout": 5,
            "options": f"-c TimeZone=UTC -c statement_timeout={statement_ms} -c jit=off",
        },
    )


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    connection.adapters.register_loader("json", JsonBytes)
    connection.prepared_max = PREPARED
