"""The access log: records of requests that end together are committed together, and one alone waits for nobody."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from node.audit import log as log_module
from node.audit.log import AccessLog
from node.audit.record import NONE, OWNER, AccessRecord, operation_digest
from node.store.sessions import Sessions
from policy.model import Caller

DOCUMENT = "{ node { city } }"


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
