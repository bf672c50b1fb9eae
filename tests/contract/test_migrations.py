"""Migrations and models agree, and what must not change can't be changed."""

from __future__ import annotations

import importlib
import pkgutil

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import migrations.versions
import node.store.auth_tables
import node.store.governance_tables  # noqa: F401 - tables among the others
from node.store.engine import make_engine
from node.store.migrate import _config, migrate, schema_state
from node.store.revisions import head_revision, revisions
from node.store.tables import METADATA


def test_there_is_one_head():
    scripts = ScriptDirectory.from_config(_config())
    assert scripts.get_heads() == [head_revision()]
    assert tuple(script.revision for script in scripts.walk_revisions()) == revisions()[::-1]


def test_the_migrated_database_is_what_the_models_say(database_url):
    engine = make_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_migrating_again_changes_nothing(database_url):
    engine = make_engine(database_url)
    assert migrate(engine).is_current
    assert schema_state(engine).is_current
    engine.dispose()


def test_a_newer_schema_is_left_alone(database_url):
    """Who goes back to the version before, with Helm or Compose, migrates with it first."""
    with psycopg.connect(database_url) as connection:
        connection.execute("update alembic_version set version_num = '2099_01_01_0099'")
    engine = make_engine(database_url)
    state = migrate(engine)
    engine.dispose()
    assert (state.current, state.is_newer, state.is_usable) == ("2099_01_01_0099", True, True)


def test_there_is_no_way_back():
    for module in pkgutil.iter_modules(migrations.versions.__path__):
        with pytest.raises(NotImplementedError, match="forward only"):
            importlib.import_module(f"migrations.versions.{module.name}").downgrade()


@pytest.mark.parametrize("statement", ["update {} set {} = {}", "delete from {}", "truncate {} cascade"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("access_kind", "field"), ("access_record", "rows"), ("operation", "document"), ("log_run", "length")],
)
def test_the_access_log_is_append_only(database_url, table, column, statement):
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only")
    with psycopg.connect(database_url, autocommit=True) as connection, refused:
        connection.execute(statement.format(table, column, column))


def test_decisions_end_with_the_transaction_that_outdates_them(database_url):
    def epoch(connection):
        return connection.execute("select epoch from policy_epoch").fetchone()[0]

    with psycopg.connect(database_url, autocommit=True) as connection:
        start = epoch(connection)
        connection.execute("insert into dataset (key, title, title_sort, digest) values ('a', 'A', 'a', '')")
        assert epoch(connection) > start
        for statement, moves in (
            ("update dataset set tier = 'PROTECTED'", True),
            ("update dataset set title = 'B'", False),
            (
                "insert into agreement (id, member, datasets, purposes, valid_from, valid_until) values ('x', 'fulda', '{a}', '{research}', now(), now() + interval '1 day')",
                True,
            ),
            ("update agreement set revoked_at = now()", True),
            ("delete from agreement", True),
            ("delete from dataset", True),
        ):
            before = epoch(connection)
            connection.execute(statement)
            assert (epoch(connection) > before) is moves, statement
