"""Records are found, newest first, whatever they are found by, at the command line and through the API."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from node.audit.grammar import read_filter
from node.audit.search import list_records
from node.audit.totals import NotCounted, totals
from node.gate.own_data import ACCESS_LOG
from node.store import newest
from node.store.limits import PageLimits
from node.store.reader import Reader
from node.store.sessions import Sessions
from policy.model import Caller
from schema.cursor import binding_of, decode
from tests.integration.audit.conftest import sequence
from tests.log import append
from tests.unit.schema.test_selection import tree

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
FILTERS = (
    "",
    "city:c3",
    "-decision:permit",
    "dataset:giessen:dataset:d1 city:c1 city:c2",
    "after:2026-11-26T11:59:57 before:2026-11-26T12:00:00",
    "decision:deny after:2026-11-26T11:59:58",
    "trace:00000000000000000000000000000007",
    "trace:00000000000000000000000000000007 trace:00000000000000000000000000000008 decision:deny",
    "token:t-3 -trace:00000000000000000000000000000003",
    "subject:p-1 decision:permit",
    "city:nowhere",
    "trace:nowhere",
)


@pytest.fixture(params=[5_000, 9])
def written(request, connection, monkeypatch):
    """Found among the newest, and kind by kind. Many kinds, and few times, so that many records share one."""
    monkeypatch.setattr(newest, "SEEN", request.param)
    luck = random.Random(4)
    for number in range(160):
        append(
            connection, peer=f"c{luck.randrange(9)}", decision=luck.choice(("PERMIT", "DENY")),
            datasets=(f"giessen:dataset:d{luck.randrange(4)}",), at=NOW - timedelta(seconds=luck.randrange(5)),
            trace_id=f"{number % 40:032x}",
            caller=Caller(f"c{luck.randrange(9)}", "app", None, token_id=f"t-{number % 7}", subject=f"p-{number % 5}"),
        )  # fmt: skip
    return connection


def matches(record, text: str) -> bool:
    """The filter's meaning, told once more."""
    wanted = read_filter(text)
    values = {
        "cities": {record["caller_city"], record["counterpart"]},
        "decisions": {record["decision"]},
        "datasets": set(record["datasets"]),
        "traceIds": {record["trace_id"]},
        "tokenIds": {record["token_id"]},
        "subjects": {record["subject"]},
    }
    return (
        all(values[name] & set(terms) for name, terms in wanted.terms.items())
        and not any(values[name] & set(terms) for name, terms in wanted.without.items())
        and (wanted.after is None or record["at"] >= wanted.after)
        and (wanted.before is None or record["at"] < wanted.before)
    )


def test_the_newest_that_match_are_listed(written):
    everything = list(list_records(written, read_filter(""), 1000))
    assert len(everything) == 160
    assert [one["at"] for one in everything] == sorted((one["at"] for one in everything), reverse=True)
    for text in FILTERS:
        expected = [one for one in everything if matches(one, text)]
        for limit in (1, 7, 1000):
            assert list(list_records(written, read_filter(text), limit)) == expected[:limit], (text, limit)


async def test_pages_of_the_api_have_every_record_once_and_in_order(written, database_url):
    document = (
        "query($filter: AccessFilter, $after: String) { accessLog(filter: $filter, first: 7, after: $after)"
        " { nodes { leaf } pageInfo { hasNextPage endCursor } } }"
    )
    async with Sessions(database_url, size=1, statement_ms=5000, name="test") as sessions:
        reader = Reader(sessions, "giessen", PageLimits())
        for text in FILTERS:
            found, after, more = [], None, True
            while more:
                field = await tree(document, filter=read_filter(text).as_argument(), after=after)
                start = decode(after, binding_of(field.name, field.arguments)).watermark if after else None
                page = await reader.page(field, ACCESS_LOG, start)
                found += [row["leaf"] for row in orjson.loads(page.columns["nodes"])]
                after, more = page.end_cursor, page.has_next
            assert found == [one["leaf"] for one in list_records(written, read_filter(text), 1000)], text


def test_totals_are_those_of_the_period_whichever_table_has_them(connection, database_url):
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=11 * number) for number in range(30)]
    for at in days:
        append(connection, rows=3, at=at)
    sequence(database_url)
    edges = ("2026-01-01", "2026-01-12", "2026-02-01", "2026-02-03", "2026-02-28", "2026-05-01", "2026-06-13")
    for start in (None, *edges):
        for end in (None, *edges):
            if start and end and start >= end:
                continue
            text = f"{f'after:{start}' if start else ''} {f'before:{end}' if end else ''}"
            count = sum((not start or f"{at:%F}" >= start) and (not end or f"{at:%F}" < end) for at in days)
            [row] = totals(connection, read_filter(text), [])
            assert (row["requests"] or 0, row["rows"] or 0) == (count, 3 * count), text
    by_month = list(totals(connection, read_filter("after:2026-01-12"), ["month"]))
    assert sum(row["requests"] for row in by_month) == 29
    assert {row["month"] for row in by_month} == {f"2026-{month:02d}" for month in range(1, 12)}
    by_day = totals(connection, read_filter("after:2026-01-10 before:2026-02-01"), ["day"])
    assert [(row["day"], row["requests"]) for row in by_day] == [("2026-01-12", 1), ("2026-01-23", 1)]
    for text in ("", "before:2026-02-01", "after:2026-01-01 before:2026-06-01"):
        with pytest.raises(NotCounted, match="at most 100 days"):
            list(totals(connection, read_filter(text), ["day"]))
