"""Yearly partitions of the observation table."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql


def ensure_partitions(connection: psycopg.Connection, years: Iterable[int]) -> None:
    """Make the partitions for these years (UTC) if they are missing; several processes may try at once.

    Works in the caller's transaction. A partition is built apart and then attached, which, unlike `create table …
    partition of`, locks out neither readers nor writers of the other partitions.
    """
    for year in sorted(set(years)):
        name = f"observation_y{year}"
        if _is_attached(connection, name):
            continue
        connection.execute("select pg_advisory_xact_lock(hashtext('verbund.partition'), %s)", (year,))
        if _is_attached(connection, name):
            continue
        connection.execute(
            sql.SQL("create table {} (like observation including defaults including constraints)").format(
                sql.Identifier(name)
            )
        )
        connection.execute(
            sql.SQL("alter table observation attach partition {} for values from ({}) to ({})").format(
                sql.Identifier(name),
                sql.Literal(f"{year}-01-01 00:00:00+00"),
                sql.Literal(f"{year + 1}-01-01 00:00:00+00"),
            )
        )


def _is_attached(connection: psycopg.Connection, name: str) -> bool:
    found = connection.execute(
        "select from pg_inherits where inhrelid = to_regclass(%s) and inhparent = 'observation'::regclass", (name,)
    ).fetchone()
    return found is not None
