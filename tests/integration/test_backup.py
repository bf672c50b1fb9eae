"""Backup and restore: one state of everything, checked before it is used, never over what is there."""

from __future__ import annotations

import hashlib
import uuid
from subprocess import CompletedProcess

import orjson
import psycopg
import pytest
from click.testing import CliRunner

from node.backup import MANIFEST
from node.cli.main import cli
from node.settings import FILE_NAME, load_settings
from node.setup import create_missing_keys
from node.store import programs
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


def test_the_password_is_not_among_what_programs_are_called_with(monkeypatch):
    called = []
    monkeypatch.setattr(
        programs.subprocess, "run", lambda words, **how: called.append((words, how)) or CompletedProcess(words, 0)
    )
    assert programs.run_program("pg_dump", "postgresql://u:hunter%252@h/x", "--format=custom") is None
    [(words, how)] = called
    assert "hunter" not in " ".join(words)
    assert how["env"]["PGPASSWORD"] == "hunter%2"


@pytest.fixture
def backup(tmp_path, home):
    run(home, "backup", str(tmp_path / "b"))
    return tmp_path / "b"


def changed(backup, **values):
    file = backup / MANIFEST
    file.write_bytes(orjson.dumps(orjson.loads(file.read_bytes()) | values))


@pytest.mark.parametrize(
    "name", ["../stranger", "/tmp/stranger", "policies/../../stranger", "run/x", "keys.old/x", "."]
)
def test_files_that_no_node_has_are_not_put_anywhere(tmp_path, backup, empty_url, name):
    (tmp_path / "stranger").write_text("x")
    changed(backup, files={FILE_NAME: digest(backup / FILE_NAME), name: digest(tmp_path / "stranger")})
    assert "no file of a node" in run(tmp_path / "new", "restore", str(backup), exit_code=1)
    assert not (tmp_path / "new").exists()


def test_what_a_link_in_a_backup_leads_to_is_not_put_anywhere(tmp_path, backup):
    (tmp_path / "secret").write_text("x")
    (backup / "policies" / "city.cedar").unlink()
    (backup / "policies" / "city.cedar").symlink_to(tmp_path / "secret")
    changed(backup, files={FILE_NAME: digest(backup / FILE_NAME), "policies/city.cedar": digest(tmp_path / "secret")})
    assert "no file of a node" in run(tmp_path / "new", "restore", str(backup), exit_code=1)


def test_a_backup_of_newer_software_is_told_before_anything_is_restored(tmp_path, backup, empty_url):
    changed(backup, schema="2099_01_01_0099", software="99.0.0")
    other = make_home(tmp_path / "other", empty_url)
    assert "install that version" in " ".join(run(other, "restore", str(backup), exit_code=1).split())
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)


def test_without_its_database_nothing_can_be_restored_and_that_is_told(tmp_path, backup):
    other = make_home(tmp_path / "other", "postgresql://u:hunter2@127.0.0.1:1/x")
    output = run(other, "restore", str(backup), exit_code=1)
    assert output.startswith("Error: the database can't be reached: ")
    assert "hunter2" not in output


def test_keys_are_put_back_where_the_settings_say(tmp_path, backup, empty_url):
    other = make_home(tmp_path / "other", empty_url, more=f'keys_directory = "{tmp_path / "elsewhere"}"\n')
    assert "keys/signing.pem" in run(other, "restore", str(backup))
    assert (tmp_path / "elsewhere" / "signing.pem").is_file()
    assert not (other / "keys").exists()


def test_mounted_files_go_along_once(tmp_path, home):
    """As Kubernetes mounts a ConfigMap."""
    anchors = home / "anchors"
    (anchors / "..2026").mkdir(parents=True)
    (anchors / "..2026" / "a.json").write_text("{}")
    (anchors / "..data").symlink_to("..2026")
    (anchors / "a.json").symlink_to("..data/a.json")
    run(home, "backup", str(tmp_path / "b"))
    assert [str(file.relative_to(tmp_path / "b")) for file in (tmp_path / "b" / "anchors").rglob("*")] == [
        "anchors/a.json"
    ]
    (anchors / "gone.json").symlink_to("nowhere")
    assert "gone.json can't be copied" in run(home, "backup", str(tmp_path / "c"), exit_code=1)
    assert not list(tmp_path.glob("c*"))


def test_what_a_backup_that_failed_has_written_is_removed(tmp_path, home, monkeypatch):
    monkeypatch.setattr("node.backup._copy_files", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left", "x")))
    result = CliRunner().invoke(cli, ["--home", str(home), "backup", str(tmp_path / "b")])
    assert isinstance(result.exception, OSError)
    assert not list(tmp_path.glob("b*"))


def digest(file) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
