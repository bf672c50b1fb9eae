"""Whether records can be kept is found out by the way that records take."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from node.audit.log import AccessLog
from node.audit.statements import WRITING
from node.store.sessions import Sessions
from schema.errors import Unavailable
from tests.log import DOCUMENT, record


@pytest.fixture
async def log(database_url):
    async with Sessions(database_url, size=1, statement_ms=5_000, name="test") as sessions:
        yield AccessLog(sessions)


@pytest.fixture
def owner(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


async def test_it_flushes_and_leaves_nothing_behind(log, owner):
    def flushed() -> str:
        return owner.execute("select pg_current_wal_flush_lsn()").fetchone()[0]

    before = flushed()
    await log.check()
    assert flushed() != before
    assert owner.execute("select count(*) from access_record").fetchone() == (0,)
    assert owner.execute("select pg_sequence_last_value(pg_get_serial_sequence('access_record', 'id'))").fetchone() == (
        None,
    )


async def test_a_database_that_became_read_only_is_told(log, owner):
    name = owner.info.dbname
    owner.execute(f"alter database {name} set default_transaction_read_only = on")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await log.check()


async def test_it_waits_for_the_lock_that_records_wait_for(log, owner):
    with owner.transaction():
        owner.execute("select pg_advisory_xact_lock(%s)", (WRITING,))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await log.check()
    await log.check()


async def test_a_disk_that_was_full_speaks_against_the_next_record_until_one_is_kept(log, owner):
    owner.execute(
        "create function full_() returns trigger language plpgsql as"
        " $$ begin raise sqlstate '53100' using message = 'could not extend file'; end $$;"
        "create trigger full_ before insert on access_record for each row execute function full_()"
    )
    await log.check()
    with pytest.raises(Unavailable):
        await log.append([record()], DOCUMENT)
    with pytest.raises(Unavailable, match="just now"):
        await log.check()
    owner.execute("drop trigger full_ on access_record")
    await log.append([record()], DOCUMENT)
    await log.check()
