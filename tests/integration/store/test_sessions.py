"""Sessions: statements in one transaction, errors that leave them usable, lost connections that are replaced."""

from __future__ import annotations

import asyncio
import contextlib

import psycopg
import pytest
import uvloop

from node.store.session import PREPARED, Call
from node.store.sessions import Sessions
from schema.errors import Unavailable
from tests.integration.store.relay import Relay


@pytest.fixture
async def sessions(database_url):
    async with Sessions(database_url, size=2, statement_ms=2_000, name="test") as found:
        yield found


async def value(sessions: Sessions, sql: str, *parameters: bytes) -> bytes | None:
    (result,) = await sessions.run(Call(sql, parameters))
    return result.get_value(0, 0)


async def test_parameters_and_results_are_text(sessions):
    assert await value(sessions, "select $1::int + 1", b"41") == b"42"
    assert await value(sessions, "select 'ü' || $1::text", "ß".encode()) == "üß".encode()
    assert await value(sessions, "select null::text") is None


async def test_statements_of_one_run_are_one_transaction(sessions):
    setting = Call("select set_config('verbund.readable', $1, true)", [b"{1}"])
    _, result = await sessions.run(setting, Call("select current_setting('verbund.readable', true)", []))
    assert result.get_value(0, 0) == b"{1}"
    assert not await value(sessions, "select current_setting('verbund.readable', true)")


async def test_an_error_undoes_the_run_and_leaves_the_session_usable(sessions):
    await sessions.run(Call("create table t (n int primary key)", []))
    for _ in range(3):
        with pytest.raises(psycopg.errors.UniqueViolation):
            await sessions.run(*[Call("insert into t values ($1)", [b"1"])] * 2)
        with pytest.raises(psycopg.errors.SyntaxError):
            await sessions.run(Call("selekt", []), Call("select 1", []))
        assert await value(sessions, "select count(*) from t") == b"0"
        assert await value(sessions, "select 1") == b"1"


async def test_many_statements_more_than_are_remembered(sessions):
    for number in [*range(PREPARED + 20), *range(PREPARED + 20)]:
        assert await value(sessions, f"select {number} + $1::int", b"1") == str(number + 1).encode()


async def test_large_values_in_both_directions(sessions):
    text = b"x" * 8_000_000
    assert await value(sessions, "select $1::text", text) == text


async def test_requests_wait_for_a_free_session(sessions):
    answers = await asyncio.gather(*(value(sessions, "select $1::int from pg_sleep(0.02)", b"7") for _ in range(20)))
    assert answers == [b"7"] * 20


async def test_who_waits_too_long_is_told(sessions, monkeypatch):
    monkeypatch.setattr("node.store.sessions.WAIT_S", 0.05)
    busy = [asyncio.create_task(value(sessions, "select 1 from pg_sleep(0.5)")) for _ in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable):
        await value(sessions, "select 1")
    assert await asyncio.gather(*busy) == [b"1", b"1"]


async def test_requests_that_give_up_in_any_moment_keep_no_session(sessions):
    async def impatient(patience: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await value(sessions, "select 1 from pg_sleep(0.003)")

    await asyncio.gather(*(impatient(0.0005 * (number % 20)) for number in range(200)))
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(value(sessions, "select 2") for _ in range(10))) == [b"2"] * 10


async def test_a_statement_that_takes_too_long_is_cancelled(sessions):
    with pytest.raises(psycopg.errors.QueryCanceled):
        await value(sessions, "select 1 from pg_sleep(10)")
    assert await value(sessions, "select 1") == b"1"


async def test_a_cancelled_request_does_not_leave_its_statement_running(sessions, database_url):
    task = asyncio.create_task(value(sessions, "select 1 from pg_sleep(1.9) where $1::int > 0", b"1"))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await value(sessions, "select 1") == b"1"
    running = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(1.9)%' and pid <> pg_backend_pid()"
    async with asyncio.timeout(1.5):
        while await value(sessions, running) != b"0":  # noqa: ASYNC110 - another session is watched
            await asyncio.sleep(0.02)


async def test_reads_go_on_after_the_server_closed_all_connections(sessions, database_url):
    assert await asyncio.gather(*(value(sessions, "select 1 from pg_sleep(0.05)") for _ in range(2))) == [b"1"] * 2
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test' and datname = current_database()"
        )
    (result,) = await sessions.read(Call("select 2", []))
    assert result.get_value(0, 0) == b"2"


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_server_that_dies_before_it_reads_is_noticed(database_url, new_loop):
    """The socket is reset then, which the node's event loop tells only once."""

    async def scenario(relay: Relay) -> bytes | None:
        async with Sessions(relay.url, size=1, statement_ms=2_000, name="dying") as sessions:
            assert await value(sessions, "select 1") == b"1"
            relay.pause()
            asking = asyncio.create_task(sessions.read(Call("select 2", [])))
            await asyncio.sleep(0.05)  # it is on its way, and nobody reads it
            relay.die()
            async with asyncio.timeout(5):
                (result,) = await asking
            return result.get_value(0, 0)

    with Relay(database_url) as relay, asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(scenario(relay)) == b"2"


async def test_what_every_session_begins_with(database_url):
    async with Sessions(database_url, size=1, statement_ms=500, name="t", on_open=["set work_mem = '5MB'"]) as sessions:
        assert await value(sessions, "show work_mem") == b"5MB"
        assert await value(sessions, "show statement_timeout") == b"500ms"
        assert await value(sessions, "show timezone") == b"UTC"


async def test_a_request_that_gives_up_while_a_session_opens_leaves_no_connection(database_url):
    async with Sessions(
        database_url, size=1, statement_ms=5_000, name="opening", on_open=["select pg_sleep(0.5)"]
    ) as late:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await value(late, "select 1")
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(100):
            (left,) = connection.execute(
                "select count(*) from pg_stat_activity where application_name = 'opening' and datname = current_database()"
            ).fetchone()
            if not left:
                break
            await asyncio.sleep(0.02)
    assert left == 0
