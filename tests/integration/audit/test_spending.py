"""A proof that a record rests on counts once: with the record, in its transaction, and without it if it does not count."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import psycopg
import pytest
from msgspec.structs import replace

from node.audit.log import AccessLog
from node.auth.uses import Uses
from node.store.sessions import Sessions
from node.store.spending import Use, Verdict
from schema.errors import Unavailable
from tests.integration.audit.test_group_commit import DOCUMENT, record, transactions

TOKEN = "token:abc"


class Refused(Exception):
    pass


def use(digest: bytes, issued: int | None = None) -> Use:
    return Use(digest * 32, time.time() + 60, int(time.time()) if issued is None else issued, (TOKEN,), Refused)


@pytest.fixture
async def logs(database_url):
    """The access logs of two replicas."""
    async with AsyncExitStack() as stack:
        yield [
            AccessLog(await stack.enter_async_context(Sessions(database_url, size=1, statement_ms=5_000, name=name)))
            for name in ("one", "other")
        ]


async def test_of_many_uses_of_a_proof_one_counts_and_is_recorded(database_url, logs):
    digests = [b"a", b"b", b"a", b"c", b"a", b"b"] * 4
    uses = [use(digest) for digest in digests]
    found = await asyncio.gather(
        *(logs[number % 2].append([record(number)], DOCUMENT, one) for number, one in enumerate(uses)),
        return_exceptions=True,
    )
    good = {bytes(one.digest[:1]): number for number, one in enumerate(uses) if one.verdict is Verdict.GOOD}
    assert sorted(good) == [b"a", b"b", b"c"]
    for number, answer in enumerate(found):
        is_good = number in good.values()
        assert isinstance(answer, list if is_good else Refused)
        assert uses[number].verdict is (Verdict.GOOD if is_good else Verdict.REPLAYED)
    with psycopg.connect(database_url) as connection:
        recorded = {int(row[0], 16) for row in connection.execute("select trace_id from access_record")}
    assert recorded == set(good.values())


async def test_records_without_a_use_are_not_held_up(database_url, logs):
    await asyncio.gather(
        logs[0].append([record(1)], DOCUMENT), logs[0].append([record(2), record(3)], DOCUMENT, use(b"a"))
    )
    assert transactions(database_url)[0] == 3


async def test_a_use_that_was_spent_by_itself_is_not_asked_again(database_url, logs):
    async with Sessions(database_url, size=1, statement_ms=5_000, name="uses") as sessions:
        uses = Uses(sessions)
        pending = uses.use(b"a" * 32, int(time.time()), int(time.time()), (TOKEN,), Refused)
        await pending.spend()
        await pending.spend()
        await logs[0].append([record(1)], DOCUMENT, pending.use)
        with pytest.raises(Refused):
            await logs[0].append([record(2)], DOCUMENT, use(b"a"))
        again = uses.use(b"b" * 32, int(time.time()), int(time.time()), (TOKEN,), Refused)
        await logs[1].append([record(3)], DOCUMENT, again.use)
        await again.spend()
        await uses.close()
    assert transactions(database_url)[0] == 2


async def test_what_was_revoked_leaves_no_record(database_url, logs):
    now = int(time.time())
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into revocation (subject, issued_before) values (%s, to_timestamp(%s))", (TOKEN, now)
        )
    before, after = use(b"a", issued=now - 10), use(b"b", issued=now)
    found = await asyncio.gather(
        logs[0].append([record(1)], DOCUMENT, before),
        logs[0].append([record(2)], DOCUMENT, after),
        return_exceptions=True,
    )
    assert (before.verdict, after.verdict) == (Verdict.REVOKED, Verdict.GOOD)
    assert isinstance(found[0], Refused)
    assert isinstance(found[1], list)
    assert transactions(database_url)[0] == 1


async def test_what_could_not_be_committed_has_no_verdict(database_url, logs):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table access_record rename to away")
        pending = use(b"a")
        with pytest.raises(Unavailable):
            await logs[0].append([record(1)], DOCUMENT, pending)
        assert pending.verdict is None
        connection.execute("alter table away rename to access_record")
    await logs[0].append([record(1)], DOCUMENT, pending)
    assert pending.verdict is Verdict.GOOD


async def test_nobody_is_answered_without_a_record_because_another_one_could_not_be_stored(database_url, logs):
    bad, uses = replace(record(1), policy_version="\x00"), [use(b"a"), use(b"a")]
    found = await asyncio.gather(
        logs[0].append([bad], DOCUMENT, uses[0]), logs[0].append([record(2)], DOCUMENT, uses[1]), return_exceptions=True
    )
    assert isinstance(found[0], Unavailable)
    assert uses[1].verdict is Verdict.GOOD
    assert isinstance(found[1], list)
    assert transactions(database_url)[0] == 1
