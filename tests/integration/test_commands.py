"""The commands as somebody types them."""

from __future__ import annotations

import json

import psycopg
import pytest
from click.testing import CliRunner

from node.cli.main import COMMANDS, cli
from node.settings import FILE_NAME
from tests.integration.store.conftest import SEED
from tests.log import append


@pytest.fixture
def run(tmp_path, database_url):
    """Run a command in the home of a node that has data."""
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
    (tmp_path / FILE_NAME).write_text(
        f'city = "giessen"\nname = "Gießen"\nissuer = "https://daten.giessen.example"\ndatabase_url = "{database_url}"\n'
    )

    def command(*words: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(cli, ["--home", str(tmp_path), *words])
        assert result.exit_code == exit_code, result.output
        return result.output

    command.database_url = database_url
    command.home = tmp_path
    return command


def test_help_lists_every_command():
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name):
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0, result.output


def test_tiers_are_set_with_a_reason(run):
    assert "akten" in run("dataset", "list")
    assert run("dataset", "tier", "akten", "OPEN", "--reason", "geprüft") == "akten: INTERNAL → OPEN\n"
    with psycopg.connect(run.database_url) as connection:
        row = connection.execute(
            "select tier::text, tier_reason, tier_set_at from dataset where key = 'akten'"
        ).fetchone()
    assert row[:2] == ("OPEN", "geprüft")
    assert row[2] is not None
    assert "does not exist" in run("dataset", "tier", "nichts", "OPEN", "--reason", "x", exit_code=1)
    assert "reason" in run("dataset", "tier", "akten", "OPEN", "--reason", " ", exit_code=1)
    run("dataset", "tier", "akten", "PUBLIC", "--reason", "x", exit_code=2)


def test_agreements(run):
    words = ("agreement", "add", "gi-of", "--member", "offenbach", "--until", "2099-01-01")
    assert "holds" in run(*words, "--dataset", "kfz", "--purpose", "research")
    assert "is taken" in run(*words, "--dataset", "kfz", "--purpose", "research", exit_code=1)
    assert "vocabulary" in run(*words, "--dataset", "kfz", "--purpose", "fun", exit_code=1)
    other = ("agreement", "add", "x", "--member", "offenbach", "--dataset", "nichts", "--purpose", "research")
    assert "does not exist" in run(*other, "--until", "2099-01-01", exit_code=1)
    assert "in force" in run("agreement", "list")
    assert "is revoked" in run("agreement", "revoke", "gi-of")
    assert "revoked already" in run("agreement", "revoke", "gi-of", exit_code=1)
    assert "revoked 2" in run("agreement", "list").replace("\n", " ")


def test_audit_list(run):
    with psycopg.connect(run.database_url, autocommit=True) as connection:
        for city, decision in (("fulda", "PERMIT"), ("wetzlar", "DENY")):
            append(connection, peer=city, decision=decision, trace_id="t1")
    lines = [json.loads(line) for line in run("audit", "list", "--format", "jsonl").splitlines()]
    assert [line["caller_city"] for line in lines] == ["wetzlar", "fulda"]
    [looked] = [
        json.loads(line) for line in run("audit", "list", "action:operator:log:read", "--format", "jsonl").splitlines()
    ]
    assert (looked["rows"], looked["action"]) == (2, "operator:log:read")
    for words, count in (
        (("city:fulda",), 1),
        (("decision:deny",), 1),
        (("-decision:deny", "trace:t1"), 1),
        (("city:fulda", "city:wetzlar"), 2),
        (("dataset:giessen:dataset:rad",), 2),
        (("dataset:giessen:dataset:kfz",), 0),
        (("purpose:research", "role:owner", "application:app", "trace:t1"), 2),
        (("after:2099-01-01", "trace:t1"), 0),
        (("before:2099-01-01", "trace:t1"), 2),
        (("--limit", "1"), 1),
    ):
        assert len(run("audit", "list", "--format", "jsonl", *words).splitlines()) == count
    assert "DENY" in run("audit", "list")
    assert "there are action, application" in run("audit", "list", "colour:red", exit_code=1)


def test_a_command_without_a_node_tells_how_to_make_one(tmp_path):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "node.cli", "--home", str(tmp_path), "dataset", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "verbund init" in done.stderr
    assert "Traceback" not in done.stderr


def test_init_makes_a_node_once(tmp_path, postgres_url):
    home = tmp_path / "neu"
    words = [
        "init",
        str(home),
        "--city",
        "marburg",
        "--name",
        "Marburg",
        "--issuer",
        "https://m.example",
        "--database-url",
        postgres_url,
    ]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert (home / "keys" / "signing.pem").stat().st_mode & 0o777 == 0o600
    assert (home / FILE_NAME).stat().st_mode & 0o777 == 0o600
    again = CliRunner().invoke(cli, words)
    assert again.exit_code == 1
    assert "holds a node already" in again.output


def test_init_with_bad_settings_leaves_nothing(tmp_path):
    home = tmp_path / "neu"
    done = CliRunner().invoke(cli, ["init", str(home), "--city", "X Y", "--name", "x", "--issuer", "https://x.example"])
    assert done.exit_code == 1
    assert not (home / FILE_NAME).exists()
    assert not (home / "keys").exists()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("city.cedar", b'@id("x") permit (principal, action, resource) when { resource.colour };', "city.cedar:1"),
        ("city.cedar", b"\xff\xfe", "can't be read"),
        ("keys/signing.pem", b"no key", "signing.pem"),
    ],
)
def test_serve_tells_what_is_wrong_before_it_starts(run, name, content, told):
    import subprocess
    import sys

    (run.home / "keys").mkdir(mode=0o700)
    for file, text in {"keys/signing.pem": None, "keys/federation.pem": None, name: content}.items():
        path = run.home / file
        if text is None:
            from node.auth.keys import create_signing_key

            create_signing_key(path)
        else:
            path.write_bytes(text)
            path.chmod(0o600)
    words = [sys.executable, "-m", "node.cli", "--home", str(run.home), "serve"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
