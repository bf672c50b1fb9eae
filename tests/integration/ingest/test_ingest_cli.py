import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli.main import cli

HEADER = "Datetime,10 (Ring),11 (ein),12 (aus),10-status,11-status,12-status\n"


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Callable[..., Result]:
    """Run `verbund ingest …` against a node whose settings name the test's database."""
    home = tmp_path / "home"
    home.mkdir()
    settings = {
        "city": "teststadt",
        "name": "Teststadt",
        "issuer": "https://teststadt.example",
        "database_url": database_url,
    }
    (home / "verbund.toml").write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items()), "utf-8")
    return lambda *words: CliRunner().invoke(cli, ["--home", str(home), "ingest", *map(str, words)])


def test_counts_tell_what_happened(run, counters, mapping) -> None:
    result = run("counts", counters(a__a=HEADER + "2024-07-01 00:00,3,1,2,0,0,0\n"), "--mapping", mapping)
    assert result.exit_code == 0, result.output
    assert "2 observations" in result.output
    assert "1 read, 0 unchanged" in result.output


def test_the_quarantine_is_told_by_exit_code_and_listed(run, counters, mapping) -> None:
    result = run("counts", counters(a__a=HEADER + "2024-07-01 00:00,3,[red]x,2,0,0,0\n"), "--mapping", mapping)
    assert result.exit_code == 3
    assert "value.unreadable" in result.output
    listed = json.loads(run("quarantine", "list", "--format", "json").output)
    assert [(entry["location"], entry["value"], entry["reason"]) for entry in listed] == [
        ("a/a.csv:2", "[red]x", "value.unreadable")
    ]
    assert "[red]x" in run("quarantine", "list").output
    assert json.loads(run("quarantine", "list", "--reason", "time", "--format", "json").output) == []
    assert "empty" in run("quarantine", "list", "--run", "999").output


def test_a_catalog(run, tmp_path) -> None:
    file = tmp_path / "c.ttl"
    file.write_text(
        '<https://city.example/1> a <http://www.w3.org/ns/dcat#Dataset> ; <http://purl.org/dc/terms/title> "T" .',
        "utf-8",
    )
    result = run("dcat", file)
    assert (result.exit_code, "1 datasets" in result.output) == (0, True)
    assert run("dcat", file, "--format", "xml").exit_code == 2
    assert run("dcat", file, "--max-megabytes", "0.00001").exit_code == 2


def test_wrong_usage_is_told_in_one_message(run, counters, mapping, tmp_path) -> None:
    folder = counters(a__a=HEADER)
    broken = tmp_path / "broken.toml"
    broken.write_text(mapping.read_text("utf-8").replace("PT15M", "quarter"), "utf-8")
    result = run("counts", folder, "--mapping", broken)
    assert result.exit_code == 2
    assert "time.interval = 'quarter'" in result.output
    assert "Traceback" not in result.output
    assert run("counts", tmp_path / "nowhere", "--mapping", mapping).exit_code == 2
    assert run("counts", folder).exit_code == 2
    assert run("dcat", folder).exit_code == 2


def test_a_database_without_schema_is_told(run, counters, mapping, connection) -> None:
    connection.execute("drop table quarantine, ingest_file, ingest_run")
    result = run("counts", counters(a__a=HEADER), "--mapping", mapping)
    assert result.exit_code == 1
    assert "verbund migrate" in result.output
