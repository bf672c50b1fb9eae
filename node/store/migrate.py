"""Run and inspect the schema migrations."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from node.store.reading_role import secure_reading
from node.store.revisions import head_revision, usable_schema

LOCK_TIMEOUT_MS = 500  # below deadlock_timeout, which is 1 s unless somebody has changed it
ATTEMPTS = 60
PAUSE_S = 0.1, 0.5


@dataclass(frozen=True)
class SchemaState:
    """Where the database's schema stands."""

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        """True if no migration is pending."""
        return self.current == self.head

    @property
    def is_usable(self) -> bool:
        """True also if a newer version of the software has migrated it: see `usable_schema`."""
        return usable_schema(self.current)

    @property
    def is_newer(self) -> bool:
        """True if this version of the software does not know it: it serves it, and leaves it as it is."""
        return self.is_usable and not self.is_current


def migrate(engine: Engine) -> SchemaState:
    """Apply all pending migrations and secure the reading role; safe to run at the same time from several processes.

    A newer schema is left alone: who goes back to the version before must not stumble here, nor put back older views.

    Raises:
        ReadingRoleError: the reading role can't be made or used.
        sqlalchemy.exc.OperationalError, psycopg.errors.LockNotAvailable: a lock did not come in all attempts.
    """
    if not schema_state(engine).is_newer:
        with_little_patience(lambda: _migrate(engine))
    return schema_state(engine)


def with_little_patience(change: Callable[[], None]) -> None:
    """Change the schema beside nodes that serve; `change` begins anew if it gives up on a lock.

    A lock that does not come soon is given up, and those that wait for ours get them first: whoever waits for longer
    than PostgreSQL's `deadlock_timeout` may be chosen to fail, and that must not be a reader.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            change()
            break
        except (psycopg.errors.LockNotAvailable, OperationalError) as error:
            given_up = isinstance(getattr(error, "orig", error), psycopg.errors.LockNotAvailable)
            if not given_up or attempt == ATTEMPTS:
                raise
            time.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - not a secret


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        with connection.begin():
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            driver.execute(f"set local lock_timeout = {LOCK_TIMEOUT_MS}")
            secure_reading(driver, head_revision())


def schema_state(engine: Engine) -> SchemaState:
    """Compare the database's revision with the newest one that the code knows."""
    with engine.connect() as connection:
        return state_of(connection)


def state_of(connection: Connection) -> SchemaState:
    """Like `schema_state`, on an open connection."""
    return SchemaState(MigrationContext.configure(connection).get_current_revision(), head_revision())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    return config
