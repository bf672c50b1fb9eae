"""Run and inspect the schema migrations."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from node.store.reading_role import secure_reading


@dataclass(frozen=True)
class SchemaState:
    """Where the database's schema stands."""

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        """True if no migration is pending."""
        return self.current == self.head


def migrate(engine: Engine) -> SchemaState:
    """Apply all pending migrations and secure the reading role; safe to run at the same time from several processes.

    Raises:
        ReadingRoleError: the reading role can't be made or used.
    """
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        with connection.begin():
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            secure_reading(driver, head_revision())
    return schema_state(engine)


def schema_state(engine: Engine) -> SchemaState:
    """Compare the database's revision with the newest one that the code knows."""
    with engine.connect() as connection:
        return state_of(connection)


def state_of(connection: Connection) -> SchemaState:
    """Like `schema_state`, on an open connection."""
    return SchemaState(MigrationContext.configure(connection).get_current_revision(), head_revision())


def head_revision() -> str:
    """The newest revision among the migration files."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the installation has no migration files: reinstall Verbund")
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    return config
