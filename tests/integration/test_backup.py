"""Backup and restore: one state of everything, checked before it is used, never over what is there."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from click.testing import CliRunner

from node.cli.main import cli
from node.settings import FILE_NAME, load_settings
from node.setup import create_missing_keys
from tests.integration.store.conftest import SEED


def run(home, *words: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["--home", str(home), *words])
    assert result.exit_code == exit_code, result.output
    return result.output


def make_home(home, database_url: str, city: str = "giessen", more: str = ""):
    home.mkdir()
    (home / FILE_NAME).write_text(
        f'city = "{city}"\nname = "Gießen"\nissuer = "https://daten.giessen.example"\ndatabase_url = "{database_url}"\n{more}'
    )
    return home


@pytest.fixture
def empty_url(postgres_url):
    name = f"r_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield postgres_url.replace("/verbund?", f"/{name}?")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def home(tmp_path, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
    (tmp_path / "passphrase").write_text("correct horse battery staple")
    (tmp_path / "passphrase").chmod(0o600)
    home = make_home(tmp_path / "home", database_url, more=f'key_passphrase_file = "{tmp_path / "passphrase"}"\n')
    create_missing_keys(load_settings(home, environment={}))
    (home / "policies").mkdir()
    (home / "policies" / "city.cedar").write_text(
        '@id("x") forbid (principal in Verbund::City::"nobody", action, resource);'
    )
    return home


def rows(url: str):
    with psycopg.connect(url) as connection:
        tables = "dataset", "datastream", "observation", "access_record", "policy_epoch", "latest_observation"
        return {table: connection.execute(f"select * from {table} order by 1, 2").fetchall() for table in tables}


def test_what_was_backed_up_comes_back(tmp_path, home, database_url, empty_url):
    assert "giessen" in run(home, "backup", str(tmp_path / "b"))
    other = make_home(tmp_path / "other", empty_url)
    output = run(other, "restore", str(tmp_path / "b"))
    assert "keys/signing.pem" in output
    assert rows(empty_url) == rows(database_url)
    assert (other / "policies" / "city.cedar").read_text() == (home / "policies" / "city.cedar").read_text()
    assert (other / "keys" / "signing.pem").stat().st_mode & 0o777 == 0o600
    assert empty_url in (other / FILE_NAME).read_text(), "what was there is left alone"
    assert "not empty" in run(other, "restore", str(tmp_path / "b"), exit_code=1)
    assert rows(empty_url) == rows(database_url)


def test_a_home_that_is_not_there_gets_the_settings_of_the_backup(tmp_path, home, database_url, empty_url, monkeypatch):
    revoked = home / "keys" / "revoked" / "signing-revoked-20261101T000000Z.pem"
    revoked.parent.mkdir()
    revoked.write_bytes((home / "keys" / "signing.pem").read_bytes())
    run(home, "backup", str(tmp_path / "b"))
    assert "not empty" in run(tmp_path / "other", "restore", str(tmp_path / "b"), exit_code=1)
    monkeypatch.setenv("VERBUND_DATABASE_URL", empty_url)
    output = run(tmp_path / "new", "restore", str(tmp_path / "b"))
    assert f"put back: {FILE_NAME}, " in output
    assert (tmp_path / "new" / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new" / revoked.relative_to(home)).is_file()
    assert rows(empty_url) == rows(database_url)


def test_a_backup_is_checked_before_it_is_used(tmp_path, home, empty_url):
    run(home, "backup", str(tmp_path / "b"))
    assert "exists" in run(home, "backup", str(tmp_path / "b"), exit_code=1)
    stranger = make_home(tmp_path / "stranger", empty_url, city="fulda")
    assert "this node is fulda" in run(stranger, "restore", str(tmp_path / "b"), exit_code=1)
    dump = tmp_path / "b" / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-1] + b"x")
    other = make_home(tmp_path / "other", empty_url)
    assert "not as it was backed up" in run(other, "restore", str(tmp_path / "b"), exit_code=1)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)


def test_keys_in_the_clear_do_not_go_along(tmp_path, database_url):
    home = make_home(tmp_path / "home", database_url)
    create_missing_keys(load_settings(home, environment={}))
    assert "signing.pem" in run(home, "backup", str(tmp_path / "b"))
    assert not (tmp_path / "b" / "keys").exists()
