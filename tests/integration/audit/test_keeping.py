"""What is kept, erased, counted and exported."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from node.audit.erase import Retention, beyond_the_tree, expire, forget
from node.audit.export import ExportError, export
from node.audit.fsck import check_log
from node.audit.grammar import read_filter
from node.audit.search import export_records, list_records
from node.audit.totals import NotCounted, totals
from policy.model import ANONYMOUS, Caller
from tests.integration.audit.conftest import KEY, sequence
from tests.log import append

KEEP = Retention(timedelta(days=730), timedelta(days=90))
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=731)


def confirmed(connection, database_url, at: datetime | None = None) -> None:
    """All records get their places, and witnesses have cosigned the head at a time: now."""
    sequence(database_url)
    connection.execute("update log_checkpoint set cosigned_at = coalesce(%s, now())", (at,))


def test_records_expire_by_kind_and_proofs_keep_holding(connection, database_url):
    append(connection, 300, at=OLD)
    append(connection, 2, at=NOW - timedelta(days=91), field="security")
    append(connection, 3, at=NOW - timedelta(days=91))
    confirmed(connection, database_url)
    assert expire(connection, "giessen", KEEP) == 302
    assert expire(connection, "giessen", KEEP) == 0
    confirmed(connection, database_url)
    checked = check_log(connection, KEY.key)
    assert (checked.size, checked.records, checked.erased) == (306, 4, 302)
    [act] = list_records(connection, read_filter("action:operator:log:erase"), 5)
    assert (act["positions"], act["rows"]) == ("0-301", 302)


def test_what_is_held_stays_until_it_is_released(connection, database_url):
    append(connection, 2, at=OLD, peer="fulda")
    append(connection, 3, at=OLD, peer="wetzlar")
    confirmed(connection, database_url)
    connection.execute("insert into legal_hold (matching, reason) values ('city:fulda', 'Verfahren')")
    assert expire(connection, "giessen", KEEP) == 3
    assert forget(connection, "giessen", "", read_filter(""), "Antrag") == 0, (
        "an act of erasing has personal parts, too"
    )
    connection.execute("update legal_hold set released_at = now()")
    assert expire(connection, "giessen", KEEP) == 2


def test_a_clock_that_runs_ahead_erases_nothing(connection, database_url):
    append(connection, 2, at=NOW - timedelta(days=700))
    sequence(database_url)
    ahead = NOW + timedelta(days=3_650)
    assert expire(connection, "giessen", KEEP, ahead) == 0, "nobody has confirmed any time"
    confirmed(connection, database_url, NOW)
    assert expire(connection, "giessen", KEEP, ahead) == 0
    confirmed(connection, database_url, NOW + timedelta(days=31))
    assert expire(connection, "giessen", KEEP, NOW) == 0
    assert expire(connection, "giessen", KEEP, ahead) == 2


def test_a_hold_of_one_city_holds_nothing_of_callers_without_a_city(connection, database_url):
    append(connection, 2, at=OLD, caller=ANONYMOUS, counterpart=None)
    confirmed(connection, database_url)
    connection.execute("insert into legal_hold (matching, reason) values ('city:fulda', 'Verfahren')")
    assert expire(connection, "giessen", KEEP) == 2


def test_a_hold_that_is_being_set_is_waited_for(connection, database_url):
    append(connection, 2, at=OLD)
    confirmed(connection, database_url)
    connection.execute("set lock_timeout = 50")
    with psycopg.connect(database_url) as other:
        other.execute("insert into legal_hold (matching, reason) values ('city:fulda', 'Verfahren')")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            expire(connection, "giessen", KEEP)
    assert expire(connection, "giessen", KEEP) == 0


def test_a_hold_that_can_not_be_read_holds_everything(connection, database_url, caplog):
    append(connection, 2, at=OLD, peer="fulda")
    confirmed(connection, database_url)
    connection.execute("insert into legal_hold (matching, reason) values ('decision:denied', 'Verfahren')")
    assert expire(connection, "giessen", KEEP) == 0
    assert "hold 1 can't be read, so nothing is erased: decision: 'denied' is none" in caplog.text
    connection.execute("update legal_hold set released_at = now()")
    assert expire(connection, "giessen", KEEP) == 2


def test_personal_parts_are_forgotten_and_proofs_keep_holding(connection, database_url):
    who = Caller("fulda", "app", "research", peer="fulda", token_id="t-1", subject="p-77")
    append(connection, 2, caller=who)
    append(connection, 1)
    assert beyond_the_tree(connection, read_filter("subject:p-77")) == 2
    sequence(database_url)
    assert beyond_the_tree(connection, read_filter("subject:p-77")) == 0
    assert forget(connection, "giessen", "", read_filter("subject:p-77"), "Antrag") == 2
    rows = connection.execute("select subject, token_id, salt from access_record order by id limit 3").fetchall()
    assert [row[:2] for row in rows] == [(None, None), (None, None), (None, "token-1")]
    assert rows[0][2] is None
    sequence(database_url)
    checked = check_log(connection, KEY.key)
    assert (checked.records, checked.forgotten) == (4, 2)
    [act] = list_records(connection, read_filter("action:operator:log:forget"), 5)
    assert (act["positions"], act["rows"]) == ("0-1", 2)
    assert b"p-77" not in b"".join(
        str(row).encode()
        for table in ("access_record", "access_kind", "operation")
        for row in connection.execute(f"select * from {table}")
    )


def test_totals_group_what_is_counted_by_day(connection, database_url):
    append(connection, 3, datasets=("g:dataset:a", "g:dataset:b"), rows=10)
    append(connection, 2, decision="DENY", datasets=("g:dataset:a",), rows=0)
    append(connection, 1, peer="wetzlar", rows=5, datasets=())
    sequence(database_url)
    found = {row["dataset"]: row["requests"] for row in totals(connection, read_filter(""), ["dataset"])}
    assert found == {"g:dataset:a": 5, "g:dataset:b": 3, None: 1}
    [all_] = totals(connection, read_filter("-decision:deny"), [])
    assert (all_["requests"], all_["rows"]) == (4, 35)
    by_day = list(totals(connection, read_filter(f"city:wetzlar after:{NOW:%Y-%m-%d}"), ["day", "city"]))
    assert [(row["city"], row["requests"]) for row in by_day] == [("wetzlar", 1)]
    with pytest.raises(NotCounted, match="traceIds"):
        list(totals(connection, read_filter("trace:a"), []))


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("after:2026-11-01T08:00 before:2026-11-01T12:00", 1),
        ("before:2026-11-02T00:00:00.000001", 3),
        ("before:2026-11-02", 2),
        ("after:2026-10-31T23:30-01:00 before:2026-12-01T01:00+01:00", 2),
        ("after:2026-11-30 before:2026-12-01", 0),
        ("after:2026-10-31 before:2026-12-01T12:00", 4),
    ],
)
def test_totals_count_the_whole_days_that_a_period_touches(connection, database_url, text, requests):
    for at in ("2026-10-31T23:59:59.999999", "2026-11-01", "2026-11-02", "2026-12-01T23:00"):
        append(connection, at=datetime.fromisoformat(at).replace(tzinfo=UTC))
    sequence(database_url)
    [found] = totals(connection, read_filter(text), [])
    assert found["requests"] == requests


def test_exports_have_all_records_in_each_format(connection, database_url, tmp_path):
    from pyarrow import parquet

    append(connection, 2, rules=("=cmd()",))
    append(connection, 1, decision="DENY")
    sequence(database_url)
    every = read_filter("")
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        assert export(tmp_path / name, export_records(connection, every)) == 3
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["decision"] for row in rows] == ["PERMIT", "PERMIT", "DENY"]
    assert rows[0]["rules"] == "'=cmd()", "what looks like a formula is none for a spreadsheet"
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [line["position"] for line in lines] == [0, 1, 2]
    table = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert [(row["decision"], row["rules"]) for row in table][:1] == [("PERMIT", ["=cmd()"])]
    with pytest.raises(ExportError, match="must end in"):
        export(tmp_path / "a.xlsx", [])
