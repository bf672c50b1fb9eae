"""What commands share: the node's settings and its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psycopg
import sqlalchemy.exc
from sqlalchemy import Engine

from node.settings import Settings, home_directory, load_settings
from node.store.embedded import EmbeddedError, embedded_postgres
from node.store.engine import OWN_IT, open_engine
from node.store.reading_role import ReadingRoleError
from node.worker import MISTAKES

ANY_FIRST_CHARACTER = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""Settings of commands whose argument may begin with a hyphen: every 64th id of a key, terms that are turned round.

Without -h, which click would find in the midst of such a word.
"""


class CommandError(click.ClickException):
    """A foreseeable failure of a command: one message, exit code 1."""


class DatabaseUnreachable(CommandError):
    """The database does not answer."""


FORESEEN = (*MISTAKES, EmbeddedError, ReadingRoleError)


@contextmanager
def told(*kinds: type[Exception]) -> Iterator[None]:
    """Within this context an error of these kinds becomes the command's one message: its text says what to do."""
    try:
        yield
    except kinds as error:
        raise CommandError(str(error)) from error


@dataclass(frozen=True, slots=True)
class OpenNode:
    """A node whose database is running."""

    settings: Settings
    database_url: str
    engine: Engine

    def connection(self) -> psycopg.Connection[Any]:
        """A connection of its own: `with` commits at the end."""
        return psycopg.connect(self.database_url, connect_timeout=10, options="-c TimeZone=UTC")


def node_home(ctx: click.Context) -> Path:
    """The home directory that was chosen."""
    chosen = ctx.find_root().obj
    return chosen if isinstance(chosen, Path) else home_directory()


def load_node_settings(ctx: click.Context) -> Settings:
    """The settings of the node; raises SettingsError."""
    return load_settings(node_home(ctx))


@contextmanager
def open_node(ctx: click.Context) -> Iterator[OpenNode]:
    """The node with its database: the embedded one is started if it does not run yet.

    Raises:
        SettingsError: a setting is wrong.
        CommandError: the database can't be reached.
    """
    settings = load_node_settings(ctx)
    with ExitStack() as stack:
        url = stack.enter_context(open_database(settings))
        yield OpenNode(settings, url, stack.enter_context(open_engine(url)))


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The URL of the node's database: the embedded one is started if it does not run yet.

    Raises:
        CommandError: the database can't be reached.
    """
    with ExitStack() as stack:
        url = settings.database_url or stack.enter_context(embedded_postgres(settings.postgres_directory))
        try:
            yield url
        except (psycopg.OperationalError, sqlalchemy.exc.OperationalError) as error:
            told = getattr(error, "orig", error)  # SQLAlchemy puts the driver's class before its words
            raise DatabaseUnreachable(f"the database can't be reached: {str(told).splitlines()[0]}") from error
        except (psycopg.ProgrammingError, sqlalchemy.exc.ProgrammingError) as error:
            cause = getattr(error, "orig", error)
            if isinstance(cause, psycopg.Error) and cause.diag.sqlstate is None:  # libpq does not know an option
                raise CommandError(f"database_url: {cause}") from error
            if isinstance(cause, psycopg.errors.InsufficientPrivilege):
                raise CommandError(f"database: {cause.diag.message_primary}; {OWN_IT}") from error
            if "does not exist" not in str(error):
                raise
            raise CommandError("the database has no current schema: run `verbund migrate`") from error
