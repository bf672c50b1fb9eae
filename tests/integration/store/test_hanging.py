"""A PostgreSQL that hangs and stays connected: its backends are stopped, so that nothing is told, and nothing ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from node.doctor.database import examine
from node.doctor.finding import State
from node.settings import Settings
from node.store.connections import SILENT, Unanswered, connect, connect_async
from node.store.embedded import embedded_postgres
from node.store.pool import make_pool
from node.store.session import Call
from node.store.sessions import Sessions

BOUND_S = 20  # far beyond what is waited for here, far below for ever
STATEMENT_MS = 500


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    monkeypatch.setattr("node.store.connections.MARGIN_MS", 500)
    monkeypatch.setattr("node.store.sessions.LOOK_EVERY_S", 0.05)


@pytest.fixture
def database_url(postgres_url):
    return postgres_url  # there is nothing in it that matters


@pytest.fixture
async def sessions(database_url):
    async with Sessions(database_url, size=2, statement_ms=STATEMENT_MS, name="hanging") as found:
        yield found


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Backends that do nothing within the context, and go on afterwards."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def value(sessions: Sessions, sql: str, *parameters: bytes) -> bytes:
    (result,) = await sessions.run(Call(sql, parameters))
    return result.get_value(0, 0)


async def backends(sessions: Sessions) -> list[int]:
    """One for each session, which all are idle afterwards."""
    both = await asyncio.gather(*(value(sessions, "select pg_backend_pid()") for _ in range(2)))
    assert len(set(both)) == 2
    return list(map(int, both))


@pytest.mark.parametrize("way", ["run", "read"])
async def test_a_session_without_an_answer_is_given_up_and_the_next_one_is_new(sessions, way):
    with stopped(await backends(sessions)):
        async with asyncio.timeout(BOUND_S):
            with pytest.raises(Unanswered):
                await getattr(sessions, way)(Call("select 1", []))
            assert await asyncio.gather(*(value(sessions, "select 2") for _ in range(4))) == [b"2"] * 4


async def test_who_waits_for_a_session_gets_a_new_one(sessions):
    with stopped(await backends(sessions)):
        async with asyncio.timeout(BOUND_S):
            asking = [value(sessions, "select 3") for _ in range(6)]
            answers = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(answer, Unanswered) for answer in answers) == 2, "those that had a session"
    assert answers.count(b"3") == 4


async def test_a_statement_that_is_not_even_taken_is_given_up(sessions):
    with stopped(await backends(sessions)):
        async with asyncio.timeout(BOUND_S):
            with pytest.raises(Unanswered):
                await value(sessions, "select length($1::text)", b"x" * 8_000_000)
            assert await value(sessions, "select length($1::text)", b"x" * 8_000_000) == b"8000000"


async def test_looks_are_counted_for_each_statement_anew(database_url):
    async with Sessions(database_url, size=1, statement_ms=9_500, name="looks") as sessions:  # 200 looks
        for _ in range(3):
            asking = asyncio.create_task(value(sessions, "select 4 from pg_sleep(0.1)"))
            await asyncio.sleep(0.05)
            (session,) = sessions._looked_at
            assert max(session.looked_at() for _ in range(120)) < 200
            assert await asking == b"4"


async def test_a_node_that_stood_still_itself_gives_nobody_up(sessions):
    await backends(sessions)
    asking = asyncio.create_task(value(sessions, "select 5 from pg_sleep(0.05)"))
    await asyncio.sleep(0.01)
    time.sleep(1.5)  # noqa: ASYNC251 - as if this process had been stopped
    assert await asking == b"5"


async def test_what_was_given_up_may_be_committed_and_nothing_is_left_over(sessions, database_url):
    await sessions.run(Call("drop table if exists t", []), Call("create table t (n int)", []))
    with stopped(await backends(sessions)), pytest.raises(Unanswered):
        await sessions.run(Call("insert into t values (1)", []))
    async with asyncio.timeout(BOUND_S):
        others = "select count(*) from pg_stat_activity where application_name = 'hanging' and pid <> pg_backend_pid()"
        while await value(sessions, others) != b"0":  # noqa: ASYNC110 - other sessions are watched
            await asyncio.sleep(0.02)
    # whether it was depends on what the server, once it goes on, hears of first: the statement or the end
    assert await value(sessions, "select count(*) from t") in {b"0", b"1"}


async def test_a_pool_gives_up_too_and_goes_on(database_url):
    async with make_pool(database_url, size=1, statement_ms=STATEMENT_MS) as pool:
        async with pool.connection() as connection:
            pid = connection.info.backend_pid
        with stopped([pid]):
            async with asyncio.timeout(BOUND_S):
                with pytest.raises(Unanswered):
                    async with pool.connection() as connection, connection.transaction():
                        await connection.execute("select 1")
                async with pool.connection() as connection:
                    assert await (await connection.execute("select 2")).fetchone() == (2,)


async def test_who_is_cancelled_does_not_wait_for_the_server(database_url):
    connection = await connect_async(database_url, "cancelled", statement_ms=60_000)
    with stopped([connection.info.backend_pid]):
        asking = asyncio.create_task(connection.execute("select 1"))
        await asyncio.sleep(0.1)
        asking.cancel()
        await asyncio.wait([asking], timeout=2)
        assert asking.cancelled()
        assert connection.closed


async def test_to_wait_for_notifications_in_vain_loses_nothing(database_url):
    async with await connect_async(database_url, "listening", statement_ms=STATEMENT_MS) as connection:
        await connection.execute("listen told")
        assert [told async for told in connection.notifies(timeout=1)] == []
        await connection.execute("notify told, 'it'")
        assert [told.payload async for told in connection.notifies(timeout=5, stop_after=1)] == ["it"]


def test_threads_give_up_too(database_url):
    with (
        connect(database_url, "threads", statement_ms=STATEMENT_MS) as connection,
        stopped([connection.info.backend_pid]),
        pytest.raises(Unanswered),
    ):
        connection.execute("select 1")
    assert connection.closed


def test_a_statement_that_takes_too_long_is_the_servers_to_end(database_url):
    with connect(database_url, "threads", statement_ms=STATEMENT_MS, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(5)")
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.fixture
def waiting_for_a_standby(tmp_path_factory):
    """The URL of a server all of whose commits wait for a standby that is away, which no time-out of its own ends."""
    with (
        embedded_postgres(tmp_path_factory.mktemp("s") / "pg") as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        connection.execute("create table t (n int)")
        connection.execute("alter system set synchronous_standby_names = 'away'")
        connection.execute("select pg_reload_conf()")
        while not connection.execute("select current_setting('synchronous_standby_names') <> ''").fetchone()[0]:
            time.sleep(0.01)
        connection.execute("set synchronous_commit = local")
        yield url, connection


async def test_commits_that_wait_are_given_up_and_keep_no_process(waiting_for_a_standby):
    url, watching = waiting_for_a_standby
    insert = "insert into t values (1)"

    def by_thread() -> None:
        with connect(url, "standby", statement_ms=STATEMENT_MS, autocommit=True) as connection:
            connection.execute(insert)

    async def by_pool() -> None:
        async with make_pool(url, size=1, statement_ms=STATEMENT_MS) as pool, pool.connection() as connection:
            await connection.execute(insert)

    async def by_session() -> None:
        async with Sessions(url, size=1, statement_ms=STATEMENT_MS, name="standby") as sessions:
            await sessions.run(Call(insert, []))

    async with asyncio.timeout(BOUND_S):
        given_up = await asyncio.gather(by_session(), by_pool(), asyncio.to_thread(by_thread), return_exceptions=True)
        assert [type(one) for one in given_up] == [Unanswered] * 3
        while watching.execute("select from pg_stat_activity where wait_event = 'SyncRep'").fetchall():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert watching.execute("select count(*) from t").fetchone() == (3,), "committed all the same"


def test_the_doctor_tells_that_a_database_hangs(database_url, monkeypatch, tmp_path):
    monkeypatch.setattr("node.store.connections.patience_s", lambda _: 0.5)
    settings = Settings(
        home=tmp_path, city="giessen", name="Gießen", issuer="https://giessen.example", database_url=database_url
    )
    findings = examine(settings, database_url)
    assert next(findings).state is State.OK, "it is connected"
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute("select pid from pg_stat_activity where application_name = 'verbund-doctor'")
        pids = [row[0] for row in rows]
    assert len(pids) == 1
    with stopped(pids):
        (found,) = findings
    assert found.state is State.FAILED
    assert SILENT in found.message
