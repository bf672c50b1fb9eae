"""One row by its key: inserted if it is new, updated if it differs, left alone if it is the same."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql


def upsert(connection: psycopg.Connection, table: str, key: str, values: dict[str, Any]) -> int:
    """Make the row of `table` with this `key` have these column values; returns its id."""
    names = list(map(sql.Identifier, values))
    placeholders = list(map(sql.Placeholder, values))
    # Look first: most rows exist, and an insert that ends in a conflict burns a number of the sequence.
    row = connection.execute(
        sql.SQL("select id, ({}) is not distinct from ({}) from {} where key = %(key)s").format(
            _row(names), _row(placeholders), sql.Identifier(table)
        ),
        values | {"key": key},
    ).fetchone()
    if row is not None and row[1]:
        found: int = row[0]
        return found
    statement = sql.SQL(
        "insert into {} (key, {}) values (%(key)s, {}) on conflict (key) do update set {} returning id"
    ).format(
        sql.Identifier(table),
        sql.SQL(", ").join(names),
        sql.SQL(", ").join(placeholders),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names),
    )
    row = connection.execute(statement, values | {"key": key}).fetchone()
    if row is None:
        raise RuntimeError(f"the database returned no id for {table} {key}")
    written: int = row[0]
    return written


def _row(parts: list[Any]) -> sql.Composed:
    return sql.SQL("row({})").format(sql.SQL(", ").join(parts))
