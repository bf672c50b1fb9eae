"""The commands as somebody types them."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from click.testing import CliRunner

from node.cli.main import COMMANDS, cli, main
from node.settings import FILE_NAME, load_settings
from node.setup import NodePlan, create_missing_keys, write_settings
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


DRAFT = ("assessment", "draft", "akten", "--tier", "SHARED", "--reason", "geprüft", "--review", "2027-10-01")
LEGAL = ("--legal-basis", "https://law.example/1", "--by", "amt")


def test_nothing_leaves_before_a_second_person_has_signed(run):
    assert "akten" in run("dataset", "list")
    assert re.search(r"akten +│ INTERNAL │ UNASSESSED", run("assessment", "worklist"))
    assert "version 1 is written" in run(*DRAFT, *LEGAL)
    assert re.search(r"akten +│ INTERNAL │ UNSIGNED", run("assessment", "worklist"))
    sign = ("assessment", "sign-off", "akten", "--version", "1", "--by")
    assert "a second person" in run(*sign, " AMT ", exit_code=1)
    assert "is not the newest" in run("assessment", "sign-off", "akten", "--version", "2", "--by", "b", exit_code=1)
    assert run(*sign, "leitung") == "akten: INTERNAL → SHARED\n"
    assert "signed off already" in run(*sign, "leitung", exit_code=1)
    assert "akten" not in run("assessment", "worklist")
    assert "signed_off_by: leitung" in run("assessment", "show", "akten")
    assert "does not exist" in run("assessment", "show", "nichts", exit_code=1)
    with psycopg.connect(run.database_url) as connection:
        connection.execute("update dataset set digest = 'anders', review_due = '2026-01-01' where key = 'akten'")
    todo = run("assessment", "worklist")
    assert not [word for word in ("akten", "SHARED", "OVERDUE", "CHANGED") if word not in todo], todo
    taken = run("assessment", "withdraw", "akten", "--reason", "Fehler gefunden", "--by", "amt")
    assert taken == "akten: SHARED → INTERNAL\n"


def test_an_assessment_of_a_description_that_changed_is_not_signed(run):
    run(*DRAFT, *LEGAL)
    with psycopg.connect(run.database_url) as connection:
        connection.execute("update dataset set digest = 'anders' where key = 'akten'")
    sign = ("assessment", "sign-off", "akten", "--version", "1", "--by", "leitung")
    assert "has changed since" in run(*sign, exit_code=1)


@pytest.mark.parametrize(
    "statement",
    [
        "update dataset set tier = 'OPEN' where key = 'akten'",
        "update dataset set tier = 'OPEN', assessment_id = (select min(id) from assessment) where key = 'akten'",
        "update assessment set signed_off_by = 'Amt', signed_off_at = now()",
        "update assessment set tier = 'OPEN', signed_off_by = 'x', signed_off_at = now()",
    ],
)
def test_the_database_holds_against_shortcuts(run, statement):
    run(*DRAFT, *LEGAL)
    with psycopg.connect(run.database_url) as connection, pytest.raises(psycopg.Error, match=r"assess|four_eyes"):
        connection.execute(statement)


@pytest.mark.parametrize("tier", ["OPEN", "SHARED"])
def test_a_dataset_can_not_begin_where_only_an_assessment_leads(database_url, tier):
    new = "insert into dataset (key, title, title_sort, digest, tier) values (%s, 'N', 'n', '', %s)"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(new, ("streng", "PROTECTED"))
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"is not assessed as {tier}"):
            connection.execute(new, ("neu", tier))
        copied = "copy dataset (key, title, title_sort, digest, tier) from stdin"
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            connection.cursor() as cursor,
            cursor.copy(copied) as copy,
        ):
            copy.write_row(("neu", "N", "n", b"", tier))


def test_what_is_proposed_for_counts(run):
    with psycopg.connect(run.database_url) as connection:
        connection.execute(
            "update datastream set interval_seconds = 900, observation_type = 'x/OM_CountObservation' where dataset_id = 4"
        )
    opened = [word if word != "SHARED" else "OPEN" for word in DRAFT]
    licence = ("--licence", "dl-by-de/2.0")
    proposed = "(OPEN; open: minimum-count=5, open: time=PT1H)"
    assert proposed in run(*opened, *LEGAL, *licence)
    none = ("--obligation", "none", "--open-obligation", "none")
    assert "(OPEN; no obligations)" in run(*opened, *LEGAL, *licence, *none)


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
        (("-purpose:research", "trace:t1"), 0),  # h: no call for help
        (("-purpose:other", "trace:t1"), 2),
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
    assert "there are permit, deny, none" in run("audit", "list", "decision:denied", exit_code=1)


def test_a_file_that_can_not_be_written_is_named(run, tmp_path, monkeypatch, capsys):
    for command in ("export", "bundle"):
        file = tmp_path / "missing" / "x.jsonl"
        monkeypatch.setattr("sys.argv", ["verbund", "--home", str(run.home), "audit", command, str(file)])
        with pytest.raises(SystemExit, match="1"):
            main()
        assert capsys.readouterr().err == f"verbund: {file}: No such file or directory\n"


def test_what_can_not_be_recorded_is_not_done(run, tmp_path, monkeypatch):
    with psycopg.connect(run.database_url) as connection:
        append(connection, 3)
    files = [tmp_path / "x.jsonl", tmp_path / "x.csv"]
    for file in files:
        file.write_text("before")
    assert "hold 1" in run("audit", "hold", "add", "city:fulda", "--reason", "Verfahren")
    holds = run("audit", "hold", "list")

    def fails(*_: object) -> None:
        raise psycopg.OperationalError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("node.audit.operator.append_now", fails)
        for file in files:
            assert "no space" in run("audit", "export", str(file), exit_code=1)
        assert "no space" in run("audit", "hold", "add", "city:wetzlar", "--reason", "Verfahren", exit_code=1)
        assert "no space" in run("audit", "hold", "release", "1", exit_code=1)
    assert [file.read_text() for file in files] == ["before", "before"]
    assert sorted(tmp_path.iterdir()) == sorted([*files, tmp_path / FILE_NAME]), "and nothing beside them"
    assert run("audit", "hold", "list") == holds
    run("audit", "export", str(files[0]))
    assert len(files[0].read_text().splitlines()) >= 3


def test_an_export_goes_into_a_pipe_or_through_a_link_too(run, tmp_path):
    target = tmp_path / "elsewhere.jsonl"
    (tmp_path / "link.jsonl").symlink_to(target)
    run("audit", "export", str(tmp_path / "link.jsonl"))
    assert (tmp_path / "link.jsonl").is_symlink()
    assert target.exists()
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(pipe.read_text)
        run("audit", "export", str(pipe))
        assert len(told.result(30).splitlines()) >= 1


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
    modes = {file.name: file.stat().st_mode & 0o777 for file in (home / "keys").iterdir()}
    needed = ("federation.pem", "signing.pem", "log.pem", "witness.pem")  # a mounted secret must hold all of them
    assert modes == dict.fromkeys(needed, 0o600)
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


def test_init_without_the_passphrase_can_be_repeated(tmp_path, postgres_url, monkeypatch):
    words = ["init", str(tmp_path / "n"), "--city", "marburg", "--name", "Marburg", "--issuer", "https://m.example"]
    monkeypatch.chdir(tmp_path)
    words += ["--database-url", postgres_url, "--key-passphrase-file", "passphrase"]
    done = CliRunner().invoke(cli, words)
    assert "put the passphrase of the keys there" in str(done.exception)
    assert list((tmp_path / "n").iterdir()) == []
    (tmp_path / "passphrase").write_text("correct horse battery staple")
    (tmp_path / "passphrase").chmod(0o600)
    assert CliRunner().invoke(cli, words).exit_code == 0


def test_init_without_its_database_tells_how_to_go_on(tmp_path):
    words = ["init", str(tmp_path / "n"), "--city", "marburg", "--name", "Marburg", "--issuer", "https://m.example"]
    done = CliRunner().invoke(cli, [*words, "--database-url", "postgresql://x:secret@127.0.0.1:1/x"])
    assert done.exit_code == 1
    assert "Connection refused" in done.output
    assert f"then run `verbund --home {tmp_path / 'n'} migrate`" in done.output
    assert "secret" not in done.output


@pytest.mark.parametrize("step", ["load_settings", "create_missing_keys"])
def test_init_that_was_interrupted_can_be_repeated(tmp_path, postgres_url, monkeypatch, step):
    """Killed by a signal that nothing can handle, or by a disk that is full: nothing passes for a node."""
    home, words = init_words(tmp_path, postgres_url)
    interrupted = tmp_path / "n" / f"{FILE_NAME}.part"
    with monkeypatch.context() as patch:
        patch.setattr(f"node.setup.{step}", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert CliRunner().invoke(cli, words).exit_code != 0
    assert not (home / FILE_NAME).exists()
    interrupted.write_text("city =")  # what is left after kill -9
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert [file.name for file in home.iterdir() if file.is_file()] == [FILE_NAME]


def test_init_with_a_name_that_is_no_text_leaves_nothing(tmp_path, postgres_url):
    home, words = init_words(tmp_path, postgres_url)
    done = CliRunner().invoke(cli, [*words, "--name", "Gie\udcdfen"])
    assert "set the terminal to UTF-8" in str(done.exception)
    assert list(home.iterdir()) == []


def test_an_option_that_libpq_does_not_know_is_told(tmp_path):
    home, words = init_words(tmp_path, "postgresql://u:hunter2@h/x?colour=1")
    home.mkdir()
    write_settings(home, NodePlan("marburg", "Marburg", "https://m.example", database_url=words[-1]))
    done = CliRunner().invoke(cli, ["--home", str(home), "migrate"])
    assert done.output.startswith("Error: database_url: ")
    assert "colour" in done.output
    assert "hunter2" not in done.output


@pytest.mark.parametrize("words", [["migrate"], ["dataset", "list"], ["doctor", "--local"]])
def test_a_database_of_somebody_else_is_told(run, database_url, stranger, monkeypatch, words):
    monkeypatch.setenv("VERBUND_DATABASE_URL", database_url.replace("postgres:@", f"{stranger}:@"))
    create_missing_keys(load_settings(run.home))
    output = run(*words, exit_code=1)
    assert "permission denied" in output
    assert "the owner of the database" in output


@pytest.fixture
def stranger(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create role town_stranger login")
    yield "town_stranger"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop role town_stranger")


def init_words(tmp_path, url):
    words = ["init", str(tmp_path / "n"), "--city", "marburg", "--name", "Marburg", "--issuer", "https://m.example"]
    return tmp_path / "n", [*words, "--database-url", url]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("policies/x.cedar", b'@id("x") permit (principal, action, resource) when { resource.colour };', "x.cedar:1"),
        ("policies/x.cedar", b"\xff\xfe", "can't be read"),
        ("keys/signing.pem", b"no key", "signing.pem"),
        ("keys/log.pem", b"no key", "log.pem"),
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
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
            path.chmod(0o600)
    words = [sys.executable, "-m", "node.cli", "--home", str(run.home), "serve"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
