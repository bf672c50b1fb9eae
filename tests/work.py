"""How much is done, by Python and by PostgreSQL, counted: the same on every machine, where seconds are not."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg


def calls(action: Callable[[], object]) -> int:
    """The number of function calls, of Python's and of C's, until `action` has returned."""
    made = 0

    def count(_: Any, event: str, __: Any) -> None:
        nonlocal made
        made += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return made


def rows_read(connection: psycopg.Connection[Any]) -> int:
    """How many rows PostgreSQL has read so far from the tables and indexes of this database, whoever asked.

    It is told of a session's work when the session ends; of this one's at once.
    """
    connection.execute("select pg_stat_force_next_flush()")
    row = connection.execute("""
        select (select coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0) from pg_stat_user_tables)
             + (select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes)""").fetchone()
    assert row is not None
    return int(row[0])


def until_alone(connection: psycopg.Connection[Any]) -> None:
    """Wait until all others have left this database."""
    others = "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    deadline = time.monotonic() + 30
    while connection.execute(f"{others} and backend_type = 'client backend'").rowcount:
        assert time.monotonic() < deadline, "somebody stays connected"
        time.sleep(0.01)


def waiting(connection: psycopg.Connection[Any], name: str) -> list[int]:
    """The processes of this database's sessions of that name that wait for a lock; in a transaction, too."""
    connection.execute("select pg_stat_clear_snapshot()")
    rows = connection.execute(
        "select pid from pg_stat_activity where datname = current_database() and application_name = %s"
        " and wait_event_type = 'Lock'",
        (name,),
    )
    return [row[0] for row in rows]
