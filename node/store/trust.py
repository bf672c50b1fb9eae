"""Proven statements of anchors and nodes, kept for restarts, for all workers and replicas of a node."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from federation.trust.former_keys import NamedKey
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
# every key that a node has named stays known, with the last configuration that named it: the node can't deny it later
NAME = """
    insert into member_key (issuer, kid, jwk, named_from, named_until, token)
    select %(issuer)s, key->>'kid', key, %(at)s, %(at)s, %(token)s from jsonb_array_elements(%(keys)s) key
    on conflict (issuer, kid) do update set named_until = excluded.named_until, token = excluded.token
        where member_key.jwk = excluded.jwk and member_key.named_until <= excluded.named_until
"""
READ_NAMED = """
    select kid, jwk, extract(epoch from named_from)::bigint, extract(epoch from named_until)::bigint
      from member_key where issuer = %s
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
        named = {"issuer": kept.entity, "at": kept.issued_at, "token": kept.token, "keys": Jsonb(list(kept.keys))}
        columns = (kept.entity, kept.token, kept.issued_at, kept.pin, kept.document)
        return bool(await self._run(SAVE, columns, *([(NAME, named)] if kept.keys else [])))

    async def _run(self, statement: str, parameters: Any, *further: tuple[str, Any]) -> list[Any]:
        """The rows of a statement; what is to be done besides is done in the same transaction."""
        try:
            async with self._pool.connection() as connection:
                found = await (await connection.execute(statement, parameters)).fetchall()
                for besides, values in further:
                    await connection.execute(besides, values)
                return found
        except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests) as error:
            raise OSError("the database can't be reached") from error


def read_kept(database_url: str) -> list[Kept]:
    """All of them, for commands. Raises psycopg's errors."""
    with psycopg.connect(database_url) as connection:
        return [_kept(row) for row in connection.execute(LOAD).fetchall()]


def read_named_keys(connection: psycopg.Connection[Any], issuer: str) -> list[NamedKey]:
    """The keys that a node has named in configurations that this node has proven. Raises psycopg's errors."""
    return [NamedKey(*row) for row in connection.execute(READ_NAMED, (issuer,))]


def _kept(row: _Row) -> Kept:
    entity, token, issued_at, pin, document = row
    return Kept(entity, token, issued_at, pin, None if document is None else bytes(document))
