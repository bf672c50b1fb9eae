"""Proven statements of anchors and nodes, kept for restarts, for all workers and replicas of a node."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from federation.trust.state import Kept
from node.store.pool import Pool

LOAD = "select entity, token, issued_at, pin, document from trust_statement"
SAVE = """
    insert into trust_statement (entity, token, issued_at, pin, document) values (%s, %s, %s, %s, %s)
    on conflict (entity) do update set
        token = excluded.token, issued_at = excluded.issued_at, pin = excluded.pin, document = excluded.document
        where trust_statement.issued_at <= excluded.issued_at
    returning entity
"""

_Row = tuple[str, str, datetime, str | None, bytes | None]


class PostgresTrustStore:
    """Fills `federation.trust.keeper.TrustStore`: of each entity the newest statement, never an older one again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(self) -> list[Kept]:
        """All of them. Raises OSError if the database can't be reached."""
        return [_kept(row) for row in await self._run(LOAD, ())]

    async def save(self, kept: Kept) -> bool:
        """Keep it; False if a newer one is there. Raises OSError if the database can't be reached."""
        return bool(await self._run(SAVE, (kept.entity, kept.token, kept.issued_at, kept.pin, kept.document)))

    async def _run(self, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
        try:
            async with self._pool.connection() as connection:
                return await (await connection.execute(statement, parameters)).fetchall()
        except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests) as error:
            raise OSError("the database can't be reached") from error


def read_kept(database_url: str) -> list[Kept]:
    """All of them, for commands. Raises psycopg's errors."""
    with psycopg.connect(database_url) as connection:
        return [_kept(row) for row in connection.execute(LOAD).fetchall()]


def _kept(row: _Row) -> Kept:
    entity, token, issued_at, pin, document = row
    return Kept(entity, token, issued_at, pin, None if document is None else bytes(document))
