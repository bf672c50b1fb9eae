"""Links and sessions of the desks: how they begin, how long they last, and what ends them."""

from __future__ import annotations

import psycopg
import pytest

from node.auth.sign_in.desk import IDLE_S, LINK_S, LONGEST_S, Desks, Role
from node.auth.sign_in.store import SignInStore
from node.store.pool import make_pool


class Clock:
    """The desks' own, which tests move; the database's is moved by making what it keeps older."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def desks(database_url, clock):
    async with make_pool(database_url, size=1, statement_ms=5_000) as pool:
        yield Desks(SignInStore(pool), clock=clock)


@pytest.fixture
def later(database_url, clock):
    """Let so many seconds pass."""

    def pass_(seconds: int) -> None:
        clock.now += seconds
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("update sign_in set expires_at = expires_at - make_interval(secs => %s)", (seconds,))

    return pass_


async def begun(desks: Desks):
    return await desks.begin("Frau Beispiel", [Role.AUDITOR])


async def test_a_session_that_nobody_uses_ends(desks, later):
    session = await begun(desks)
    later(IDLE_S - 5)
    assert await desks.session(session.handle) == session
    later(IDLE_S - 5)  # the last look prolonged it
    assert await desks.session(session.handle) == session
    later(IDLE_S + 1)
    assert await desks.session(session.handle) is None


async def test_a_session_ends_however_often_it_is_used(desks, later):
    session = await begun(desks)
    step = IDLE_S // 2
    for _ in range(LONGEST_S // step - 1):
        later(step)
        assert await desks.session(session.handle) == session
    later(step)
    assert await desks.session(session.handle) is None


async def test_signing_out_ends_a_session_and_no_other(desks):
    mine, other = await begun(desks), await begun(desks)
    await desks.sign_out(mine)
    assert await desks.session(mine.handle) is None
    assert await desks.session(other.handle) == other


async def test_a_link_signs_in_once_and_within_ten_minutes(desks, later):
    token = await desks.link("x", [Role.AUDITOR, Role.STEWARD])
    session = await desks.sign_in(token)
    assert session.roles == {Role.AUDITOR, Role.STEWARD}
    assert session.caller("giessen").scopes == {"audit:read", "data:read", "governance:read", "governance:write"}
    assert await desks.sign_in(token) is None
    late = await desks.link("x", [Role.AUDITOR])
    later(LINK_S + 1)
    assert await desks.sign_in(late) is None


@pytest.mark.parametrize("guess", [lambda secret: "A" * len(secret), lambda secret: secret[:-1], lambda _: ""])
async def test_a_wrong_secret_locks_the_link(desks, guess):
    token = await desks.link("x", [Role.AUDITOR])
    handle, _, secret = token.partition(".")
    assert await desks.sign_in(f"{handle}.{guess(secret)}") is None
    assert await desks.sign_in(token) is None, "one guess is all there is"


async def test_what_is_no_session_is_none(desks, database_url):
    token = await desks.link("x", [Role.AUDITOR])
    session = await begun(desks)
    for handle in (None, "", "guess", token, token.partition(".")[0], session.csrf, "\x00", "\udcff"):
        assert await desks.session(handle) is None
    assert not any(session.accepts(csrf) for csrf in (None, "", "guess", session.handle))
    assert session.accepts(session.csrf)
    with psycopg.connect(database_url) as connection:
        kept = str(connection.execute("select handle, content::text from sign_in").fetchall())
    assert session.handle not in kept
    assert token.partition(".")[2] not in kept


async def test_what_one_sees_the_other_replica_sees(desks, database_url):
    session = await begun(desks)
    async with make_pool(database_url, size=1, statement_ms=5_000) as pool:
        other = Desks(SignInStore(pool), clock=lambda: 1_000_000.0)
        assert await other.session(session.handle) == session
        await other.sign_out(session)
    assert await desks.session(session.handle) is None


async def test_somebody_is_put_out_at_once(desks):
    one, other = await begun(desks), await desks.begin("Herr Muster", [Role.STEWARD])
    link = await desks.link("Frau Beispiel", [Role.AUDITOR])
    assert await desks.end("Frau Beispiel") == 2
    assert await desks.session(one.handle) is None
    assert await desks.sign_in(link) is None
    assert await desks.session(other.handle) == other
    assert await desks.end() == 1
    assert await desks.session(other.handle) is None
