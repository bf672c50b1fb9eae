"""The asynchronous connections of the data path: psycopg 3, sessions in UTC, JSON handed on as bytes."""

from __future__ import annotations

from functools import partial

from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool

from node.store.connections import BoundedAsync, arguments, patience_s

Pool = AsyncConnectionPool[BoundedAsync]
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
        connection_class=BoundedAsync,
        min_size=min(2, size),
        max_size=size,
        open=False,
        timeout=WAIT_S,
        max_idle=300,
        max_lifetime=LIFETIME_S,
        reconnect_timeout=1.0,
        configure=partial(_configure, patience_s(statement_ms)),
        check=None,
        kwargs={"autocommit": True, "prepare_threshold": 2, **arguments("verbund-node", statement_ms)},
    )


async def _configure(patience_s: float, connection: BoundedAsync) -> None:
    connection.patience_s = patience_s
    connection.adapters.register_loader("json", JsonBytes)
    connection.prepared_max = PREPARED
