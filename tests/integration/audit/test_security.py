"""Refusals are records of their own kind, however many there are."""

from __future__ import annotations

import asyncio

import pytest

from node.audit.grammar import read_filter
from node.audit.log import AccessLog
from node.audit.search import list_records
from node.audit.security import EVENTS, MOST, SecurityLog
from node.store.sessions import Sessions
from policy.model import ANONYMOUS, Caller
from schema.errors import Unavailable
from tests.integration.audit.conftest import sequence
from tests.log import append


@pytest.fixture
async def access_log(database_url):
    async with Sessions(database_url, size=1, statement_ms=5_000, name="test") as sessions:
        yield AccessLog(sessions)


async def test_a_flood_of_refusals_becomes_few_records_that_tell_how_many(access_log, connection, database_url):
    append(connection, 2, action="operator:log:read")
    append(connection, 1)
    security = SecurityLog(access_log)
    for number in range(20_000):
        security.refused("invalid_client", Caller("giessen", f"app-{number % 5_000}", token_id=f"t-{number}"))
    for _ in range(3):
        security.refused("invalid_token", ANONYMOUS)
        security.refused("invalid_request", ANONYMOUS)
    security.refused("access_denied", Caller("fulda", peer="fulda"))
    await security.write()
    await security.write()
    sequence(database_url)
    found = list(list_records(connection, read_filter("kind:security"), 1_000))
    assert len(found) <= MOST + len(set(EVENTS.values()))
    assert sum(one["rows"] for one in found if one["action"].endswith(":client:refuse")) == 20_000
    assert {(one["action"], one["rows"]) for one in found if ":client:" not in one["action"]} == {
        ("anonymous:token:refuse", 3),
        ("anonymous:lock-out:refuse", 1),
    }, "beyond what is told apart, callers are not named"
    assert {(one["decision"], one["state"], one["token_id"]) for one in found} == {("DENY", "REFUSED", None)}
    assert [one["action"] for one in list_records(connection, read_filter("kind:operator"), 9)] == [
        "operator:log:read"
    ] * 2
    assert [one["action"] for one in list_records(connection, read_filter("-kind:security -kind:operator"), 9)] == [
        "peer:dataset:read"
    ]


async def test_what_cant_be_written_is_written_later_and_at_the_end(access_log, connection):
    class Broken:
        async def append(self, *_):
            raise Unavailable("the log can't be written")

    security = SecurityLog(Broken())
    security.refused("invalid_token", ANONYMOUS)
    await security.write()
    security._log = access_log
    security.refused("invalid_token", ANONYMOUS)
    task = asyncio.create_task(security.keep(every_s=3600))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [one] = list_records(connection, read_filter("kind:security"), 9)
    assert one["rows"] == 2
