"""The database as the node finds it: version, settings that records rest on, schema, reading role, clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import sqlalchemy.exc

from node.doctor.finding import Finding, State, failed, ok, warning
from node.settings import Settings
from node.store.connections import connect
from node.store.engine import OWN_IT, open_engine
from node.store.migrate import schema_state
from node.store.reading_role import ENTER

MAJOR = 18
SKEW_S = 2.0
SESSIONS_BESIDE = 6  # of a worker, besides those that read: log, authorization, figures
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_STRONGER = {"remote_apply", "remote_write", "local"}

Connection = psycopg.Connection[Any]


def examine(settings: Settings, database_url: str) -> Iterator[Finding]:
    """All that the database tells. Ends early if it can't be reached or has no schema."""
    try:
        with connect(database_url, "verbund-doctor", autocommit=True, client_encoding="utf8") as connection:
            yield _version(connection)
            yield _clock(connection)
            found = list(_settings(connection))
            yield from found
            if any(finding.state is State.FAILED for finding in found):
                return  # of another encoding, nothing more can be told
            yield _sessions(connection, settings)
            yield from _schema(connection, database_url)
    except (psycopg.ProgrammingError, sqlalchemy.exc.ProgrammingError) as error:
        cause = getattr(error, "orig", error)
        is_denied = isinstance(cause, psycopg.errors.InsufficientPrivilege)
        yield failed("database", str(cause).splitlines()[0], OWN_IT if is_denied else "correct database_url")
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0]
        yield failed("database", f"can't be reached: {reason}", "start it, or correct database_url", passing=True)


def _version(connection: Connection) -> Finding:
    version = connection.info.server_version
    if version // 10_000 < MAJOR:
        return failed("database", f"PostgreSQL {version // 10_000}", f"use PostgreSQL {MAJOR}")
    return ok("database", f"PostgreSQL {version // 10_000}.{version % 10_000}")


def _clock(connection: Connection) -> Finding:
    before = time.time()
    row = connection.execute("select extract(epoch from clock_timestamp())::float8").fetchone()
    assert row is not None
    off = float(row[0]) - (before + time.time()) / 2
    if abs(off) > SKEW_S:
        return failed("clock", f"{off:+.1f} s between the database and this machine", "set both by NTP")
    return ok("clock", f"{abs(off) * 1000:.0f} ms between the database and this machine")


def _settings(connection: Connection) -> Iterator[Finding]:
    for name, wanted in DURABLE.items():
        value = _show(connection, name)
        if value != wanted and not (name == "synchronous_commit" and value in _STRONGER):
            yield warning(
                f"database {name}",
                f"is {value}: a crash can lose access records of data that has left",
                f"set {name} = {wanted}",
            )
    encoding = _show(connection, "server_encoding")
    if encoding != "UTF8":
        yield failed("database encoding", f"is {encoding}", "make the database with encoding 'UTF8'")


def _sessions(connection: Connection, settings: Settings) -> Finding:
    needed = settings.workers * (2 * settings.pool_size + SESSIONS_BESIDE)
    most = int(_show(connection, "max_connections"))
    message = f"up to {needed} of this replica, {most} in all"
    if needed > most:
        return warning("database sessions", message, "lower pool_size or workers, or raise max_connections")
    return ok("database sessions", message)


def _schema(connection: Connection, database_url: str) -> Iterator[Finding]:
    with open_engine(database_url) as engine:
        state = schema_state(engine)
    if not state.is_usable:
        yield failed("schema", f"is {state.current}, not {state.head}", "run `verbund migrate`")
        return
    if state.is_current:
        yield ok("schema", f"{state.current} is current")
    else:
        yield warning("schema", f"{state.current} is of a newer version of the software", "upgrade this replica soon")
    try:
        connection.execute(ENTER)
    except psycopg.errors.SystemError as error:
        yield failed("reading role", str(error.diag.message_primary), str(error.diag.message_hint))
    except psycopg.errors.UndefinedFunction:
        yield failed("reading role", "can't be taken on: its function is missing", "run `verbund migrate`")
    else:
        yield ok("reading role", "can be taken on")


def _show(connection: Connection, name: str) -> str:
    row = connection.execute("select current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])
