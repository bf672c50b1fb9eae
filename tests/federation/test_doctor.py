"""`verbund doctor` beside running cities: a row for each thing, and what to do."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
import uuid

import psycopg
from click.testing import CliRunner

from node.cli.main import cli
from node.settings import FILE_NAME, load_settings


def doctor(home, *words: str, exit_code: int = 0) -> dict[str, dict]:
    result = CliRunner().invoke(cli, ["--home", str(home), "doctor", "--format", "jsonl", *words])
    assert result.exit_code == exit_code, result.output
    found = {}
    for line in result.output.splitlines():
        row = json.loads(line)
        found.setdefault(row["check"], row)
    return found


async def test_a_well_node_has_nothing_that_failed(federation):
    rows = await asyncio.to_thread(doctor, federation["offenbach"].settings.home)
    assert {row["state"] for check, row in rows.items() if check.startswith("city ")} == {"OK"}
    assert rows.keys() >= {
        "settings",
        "keys",
        "rules",
        "disk",
        "database",
        "clock",
        "schema",
        "reading role",
        "membership",
    }
    assert rows["encryption"]["state"] == "WARNING", "plain http is for trials"
    assert rows["database fsync"]["remedy"] == "set fsync = on", "the tests' server may lose what it has committed"
    assert rows["log"]["state"] == "OK"
    assert "token and schema are well" in rows["city giessen"]["message"]


async def test_a_city_that_is_away_is_told_with_a_remedy(healthy):
    healthy["wetzlar"].process.stop()
    rows = await asyncio.to_thread(doctor, healthy["offenbach"].settings.home, exit_code=1)
    assert rows["city wetzlar: reach"]["state"] == "FAILED"
    assert "call the city" in rows["city wetzlar: reach"]["remedy"]
    assert rows["city fulda"]["state"] == "OK"


async def test_local_asks_nobody(federation):
    rows = await asyncio.to_thread(doctor, federation["offenbach"].settings.home, "--local")
    assert "membership" not in rows
    assert not [check for check in rows if check.startswith("city ")]


def test_what_the_node_stumbles_over_is_told(federation, tmp_path):
    source = federation["fulda"].settings.home / FILE_NAME
    broken = source.read_text().replace(federation["fulda"]._database, "is_not_there")
    (tmp_path / FILE_NAME).write_text(broken)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "city.cedar").write_text("permit (principal, action, resource) when { nonsense };")
    rows = doctor(tmp_path, exit_code=1)
    assert {check for check, row in rows.items() if row["state"] == "FAILED"} == {"keys", "rules", "database"}
    result = CliRunner().invoke(cli, ["--home", str(tmp_path), "doctor", "--local", "--format", "failed"])
    assert [line.split(":")[0] for line in result.output.splitlines()][-1] == "database"


async def verbund(home, *words: str):
    return await asyncio.to_thread(CliRunner().invoke, cli, ["--home", str(home), *words])


async def witnessed(healthy, more_than: int = 0) -> int:
    """What Offenbach and Wetzlar have both seen of Fulda's log."""
    ends = time.monotonic() + 90
    while True:
        seen = [
            size
            for witness in ("offenbach", "wetzlar")
            for (size,) in healthy[witness].sql("select size from witnessed_log where city = 'fulda'")
        ]
        if len(seen) == 2 and min(seen) > more_than:
            return min(seen)
        assert time.monotonic() < ends, "the witnesses have not seen the new record"
        await asyncio.sleep(0.3)


async def test_a_backup_that_is_older_than_what_others_have_seen_is_told(healthy, postgres_url, tmp_path):
    """Restored, Fulda has less than its witnesses remember; from a newer backup it has not."""
    town = healthy["fulda"]

    async def restored(backup: str):
        name = f"again_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        home = tmp_path / f"home-{backup}"
        home.mkdir()
        (home / FILE_NAME).write_text((town.settings.home / FILE_NAME).read_text().replace(town._database, name))
        shutil.copytree(town.settings.anchors_directory, home / "anchors")
        shutil.copytree(town.settings.keys_home, home / "keys")  # in the clear, so not in the backup
        return home, await verbund(home, "restore", str(tmp_path / backup))

    await town.ask("{ datasets(first: 1) { nodes { id } } }")
    before = await witnessed(healthy)
    assert (await verbund(town.settings.home, "backup", str(tmp_path / "old"))).exit_code == 0
    backed_up = json.loads((tmp_path / "old" / "manifest.json").read_bytes())["log_size"]
    assert backed_up >= before > 0
    await town.ask("{ datasets(first: 1) { nodes { id } } }")
    await witnessed(healthy, more_than=backed_up)

    home, old = await restored("old")
    assert old.exit_code == 3, old.output
    assert f"has {backed_up} records, and others have seen more" in old.output
    assert "restore a newer backup" in old.output
    rows = await asyncio.to_thread(doctor, home, exit_code=1)
    assert rows["log"]["state"] == "FAILED"
    assert {"offenbach", "wetzlar"} <= set(re.findall(r"(\w+) \d+", rows["log"]["message"]))
    fsck = await verbund(home, "audit", "fsck")
    assert fsck.exit_code == 0, f"what is there is whole, only the others know that there was more: {fsck.output}"

    with psycopg.connect(
        load_settings(home, environment={}).database_url
    ) as connection:  # as of a backup from before the first record
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from log_checkpoint")
    nothing = await asyncio.to_thread(doctor, home, exit_code=1)
    assert "has 0 records, and others have seen more" in nothing["log"]["message"]
    for witness in ("offenbach", "wetzlar", "giessen"):
        healthy[witness].sql("update witnessed_log set state = 'TRUNCATED', reason = 'test' where city = 'fulda'")
    try:
        caught = await asyncio.to_thread(doctor, home, exit_code=1)
    finally:
        for witness in ("offenbach", "wetzlar", "giessen"):
            healthy[witness].sql("update witnessed_log set state = 'CONSISTENT', reason = '' where city = 'fulda'")
    assert "others have caught it: giessen TRUNCATED, offenbach TRUNCATED" in caught["log"]["message"]

    town.process.stop()  # so that its log has come to an end
    assert (await verbund(town.settings.home, "backup", str(tmp_path / "new"))).exit_code == 0
    _, new = await restored("new")
    assert new.exit_code == 0, new.output
    assert "no less than 3 other cities have seen" in new.output
