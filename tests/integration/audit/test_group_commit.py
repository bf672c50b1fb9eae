"""The access log: records of requests that end together are committed together, and one alone waits for nobody."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from msgspec.structs import replace

from node.audit import log as log_module
from node.audit.log import AccessLog
from node.audit.record import NONE, OWNER, AccessRecord, operation_digest
from node.store.sessions import Sessions
from policy.model import Caller
from schema.errors import Unavailable

DOCUMENT = "{ node { city } }"


async def test_a_server_that_took_over_and_lacks_the_last_kinds_is_told_them_again(database_url, sessions):
    log = AccessLog(sessions)
    await log.append([record(1)], DOCUMENT)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from access_kind")
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test'"
            " and datname = current_database()"
        )
        with pytest.raises(Unavailable):
            await log.append([record(2)], DOCUMENT)
        await log.append([record(3)], DOCUMENT)
        assert connection.execute("select count(*) from access_kind").fetchone() == (1,)


@pytest.fixture
async def sessions(database_url):
    async with Sessions(database_url, size=1, statement_ms=5_000, name="test") as found:
        yield found


def record(trace: int) -> AccessRecord:
    return AccessRecord(
        role=OWNER,
        caller=Caller(),
        counterpart=None,
        trace_id=f"{trace:032x}",
        field="datasets",
        action="anonymous:dataset:read",
        operation=operation_digest(DOCUMENT),
        datasets=(),
        decision=NONE,
        rules=(),
        policy_version="",
        state="OK",
        rows=0,
        bytes=0,
        took_ms=0.0,
    )


def transactions(database_url: str) -> tuple[int, int]:
    """Records, and the transactions that they were committed in."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select count(*), count(distinct xmin::text) from access_record").fetchone()
    assert row is not None
    return row


async def test_who_is_about_to_come_is_waited_for(database_url, sessions, monkeypatch):
    monkeypatch.setattr(log_module, "GATHER_S", 30.0)  # a slow machine must not give up
    reading = 8
    log = AccessLog(sessions, coming=lambda: reading)

    async def answer(number: int) -> None:
        nonlocal reading
        await asyncio.sleep(0)
        reading -= 1
        await log.append([record(number)], DOCUMENT)

    await asyncio.gather(*map(answer, range(8)))
    assert transactions(database_url)[0] == 8
    assert transactions(database_url)[1] <= 3


async def test_nobody_is_waited_for_longer_than_a_moment(database_url, sessions):
    log = AccessLog(sessions, coming=lambda: 100)
    await asyncio.wait_for(log.append([record(1)], DOCUMENT), 10)
    assert transactions(database_url) == (1, 1)


async def test_one_alone_waits_for_nobody(database_url, sessions, monkeypatch):
    monkeypatch.setattr(log_module, "GATHER_S", 30.0)
    log = AccessLog(sessions, coming=lambda: 0)
    for number in range(3):
        await asyncio.wait_for(log.append([record(number)], DOCUMENT), 10)
    assert transactions(database_url) == (3, 3)


@pytest.mark.parametrize("text", ["\ud800", "\x00"], ids=["no bytes in UTF-8", "no text of PostgreSQL"])
async def test_a_record_that_cannot_be_stored_refuses_its_own_answer_only(database_url, sessions, text):
    log = AccessLog(sessions, coming=lambda: 3)
    bad = replace(record(2), policy_version=text)
    found = await asyncio.gather(
        *(log.append([one], DOCUMENT) for one in (record(1), bad, record(3))), return_exceptions=True
    )
    assert [isinstance(one, Unavailable) for one in found] == [False, True, False]
    assert transactions(database_url)[0] == 2


async def test_an_answer_learns_the_leaves_of_its_own_records(database_url, sessions):
    log = AccessLog(sessions, coming=lambda: 2)
    found = await asyncio.gather(
        log.append([record(1), record(2)], DOCUMENT),
        log.append([record(3)], DOCUMENT),
        log.append([record(4)], DOCUMENT),
    )
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("select encode(leaf, 'hex') from access_record order by trace_id").fetchall()
    assert [len(leaves) for leaves in found] == [2, 1, 1]
    assert [leaf for leaves in found for leaf in leaves] == [row[0] for row in stored]


async def test_an_answer_without_records_harms_no_other(database_url, sessions):
    log = AccessLog(sessions, coming=lambda: 3)
    found = await asyncio.gather(
        *(log.append(records, DOCUMENT) for records in ([], [record(1)], [], [record(2)])), return_exceptions=True
    )
    assert [len(leaves) for leaves in found] == [0, 1, 0, 1]
    assert transactions(database_url)[0] == 2
