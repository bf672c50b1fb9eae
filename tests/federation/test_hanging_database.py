"""A node whose PostgreSQL hangs and stays connected: all are refused in time, nothing is wrong, and it goes on by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import aiohttp
import psycopg
import pytest

from federation.grants import FORM, client_assertion, client_credentials_form
from federation.proofs import ProofKey
from node.audit.fsck import check_log
from node.auth.keys import load_signing_key
from node.auth.log_keys import load_log_keys
from node.auth.token_client import Access
from node.settings import FILE_NAME, load_settings
from tests.conftest import TEMPLATE
from tests.federation.cities import APP, Answer, Federation, Town
from tests.federation.load import QUESTIONS

BOUND_S = 30  # longer than all limits of the node together, and far from for ever
DESK = {"Cookie": "verbund-desk=somebody"}
GIVEN_UP = {"verbund-read", "verbund-log"}  # whose sessions all had something to do


@pytest.fixture(scope="module")
def town(postgres_url, tmp_path_factory) -> Iterator[Town]:
    """Gießen, which gives a statement a second."""
    formed = Federation(tmp_path_factory.mktemp("hanging"))
    town = formed.add("giessen", postgres_url, TEMPLATE)
    settings = town.settings.home / FILE_NAME
    settings.write_text(settings.read_text() + "statement_ms = 1000\n")
    town.settings = load_settings(town.settings.home, environment={})
    formed.sign()
    formed.start()
    yield town
    formed.stop()


@contextmanager
def hanging(town: Town, server_url: str) -> Iterator[dict[int, str]]:
    """All that the node is connected with does nothing and says nothing."""
    activity = "select pid, application_name from pg_stat_activity where datname = %s"
    with psycopg.connect(server_url, autocommit=True) as connection:
        found = dict(connection.execute(activity, (town._database,)).fetchall())
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield found
    finally:
        for pid in found:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def nobody_new(town: Town, server_url: str) -> Iterator[None]:
    """The database lets nobody in."""
    town._admin(server_url, f"alter database {town._database} allow_connections false")
    try:
        yield
    finally:
        town.restore_database(server_url)


async def get(town: Town, path: str, **headers: str) -> Answer:
    async with aiohttp.ClientSession() as client, client.get(town.settings.issuer + path, headers=headers) as response:
        return Answer(response.status, await response.text(), response.headers)


async def token(town: Town) -> Answer:
    issuer, key, now = town.settings.issuer, load_signing_key(town.keys / f"{APP}.pem"), int(time.time())
    form = client_credentials_form(client_assertion(APP, issuer, key, now), purpose="traffic-planning", scope=None)
    proof = ProofKey.new().proof("POST", f"{issuer}/oauth/token", now)
    return await town.post(form, "/oauth/token", {"Content-Type": FORM, "DPoP": proof})


async def everybody(town: Town, access: Access) -> dict[str, Answer]:
    """What each road of the node answers, asked at once."""
    asked = {
        "open": town.ask(QUESTIONS["open"]),
        "with a token": town.ask(QUESTIONS["shared"], access),
        "page": get(town, "/"),
        "desk": get(town, "/governance", **DESK),
        "log": get(town, "/log/checkpoint"),
        "token": token(town),
        "ready": get(town, "/health/ready"),
        "live": get(town, "/health/live"),
    }
    async with asyncio.timeout(BOUND_S):
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


def statuses(answers: dict[str, Answer]) -> dict[str, int]:
    return {road: answer.status for road, answer in answers.items()}


SERVED = {
    "open": 200,
    "with a token": 200,
    "page": 200,
    "desk": 401,
    "log": 200,
    "token": 200,
    "ready": 200,
    "live": 200,
}
REFUSED = {**dict.fromkeys(SERVED, 503), "live": 200}


async def served(town: Town, access: Access) -> dict[str, Answer]:
    """What everybody is answered as soon as nobody is refused: they ask again as callers do."""
    async with asyncio.timeout(BOUND_S):
        while statuses(answers := await everybody(town, access)) != SERVED:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return answers


async def test_everybody_is_refused_in_time_and_served_again_by_new_sessions(town, postgres_url):
    access = await town.token()
    before = await served(town, access)
    with ExitStack() as stack:
        with nobody_new(town, postgres_url):
            stopped = stack.enter_context(hanging(town, postgres_url))
            refused = await everybody(town, access)
        assert statuses(refused) == REFUSED
        assert all("Retry-After" in refused[road].headers for road in SERVED.keys() - {"ready", "live"})
        assert refused["open"].body.get("data") is None
        again = await served(town, access)
    assert again["open"].data == before["open"].data
    for answer in (before["open"], before["with a token"], again["open"], again["with a token"]):
        assert town.records(answer.trace), "an answer without a record"
    left = [pid for pid, name in stopped.items() if name in GIVEN_UP]
    assert set(stopped.values()) >= GIVEN_UP
    async with asyncio.timeout(BOUND_S):
        while not has_settled(town, left):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.1)
    with psycopg.connect(town.database_url, autocommit=True) as connection:
        assert check_log(connection, load_log_keys(town.settings).log.key).records >= 4


def has_settled(town: Town, given_up: list[int]) -> bool:
    """Nothing is left over of what was given up, and all records have their place."""
    (found,) = town.sql(
        "select not exists (select from pg_stat_activity where pid = any(%s))"
        " and (select count(*) from access_record) = (select sum(length) from log_run)",
        (given_up,),
    )
    return found == (True,)
