"""Four cities under load while parts of them are killed: no answer is wrong, no record missing, no observation lost.

Clients ask every city about all cities, applications bring observations, sensors publish to each city's broker, and two
clients follow what arrives in all cities. What is killed is started again by what stands for a service manager, and by
nobody else.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from federation.jose import public_jwks
from node.audit.fsck import check_log
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.auth.log_keys import load_log_keys
from node.store.engine import make_engine
from tests.federation.broker import needs_broker
from tests.federation.cities import NAMES, Town
from tests.federation.load import (
    QUESTIONS,
    START,
    Follower,
    Seen,
    by_city,
    keep_asking,
    keep_publishing,
    keep_recording,
)
from tests.federation.machines import Machine, machines

pytestmark = needs_broker
SEED = 7
WRITER = "fuehler"
SETTLE_S = 90


def add_writer(town: Town) -> None:
    key = create_signing_key(town.keys / f"{WRITER}.pem")
    engine = make_engine(town.database_url)
    add_application(engine, Application(WRITER, "F", public_jwks(key), ("observations:write",), ("operations",)))
    engine.dispose()


async def until(condition, what: str) -> None:
    try:
        async with asyncio.timeout(SETTLE_S):
            while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - nobody tells when
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(what) from None


async def get_on(made: dict[str, Machine], seen: dict[str, Seen]) -> None:
    """Everything is back by itself: each city is asked, has all cities' answers again, and takes in observations."""
    await asyncio.gather(*(machine.is_back() for machine in made.values()))
    before = {city: (one.complete, len(one.batches)) for city, one in seen.items()}
    await until(
        lambda: all(
            one.complete > before[city][0] and len(one.batches) > before[city][1] for city, one in seen.items()
        ),
        "not every city gives whole answers again",
    )


async def test_parts_are_killed_under_load_and_nothing_is_wrong_or_missing():
    luck = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="vb-") as directory, machines(Path(directory)) as (formed, made):
        seen = {city: Seen() for city in made}
        keepers = [asyncio.create_task(machine.keep()) for machine in made.values()]
        try:
            await asyncio.gather(*(machine.is_back() for machine in made.values()))
            formed.agree("giessen", "offenbach")
            formed.agree("wetzlar", "offenbach")
            await formed.settled(**dict.fromkeys(NAMES, "ACTIVE"))
            followers = [Follower(made[city].town, sorted(made)) for city in luck.sample(sorted(made), 2)]
            keepers += [asyncio.create_task(follower.keep_following()) for follower in followers]
            await asyncio.gather(*(follower.begun.wait() for follower in followers))
            await under_load(made, seen, luck)
            for city, machine in made.items():
                await nothing_is_lost(machine.town, seen[city])
            await asyncio.to_thread(nothing_is_unrecorded, formed.towns, seen)
            await nothing_is_untold(seen, followers)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)


async def under_load(made: dict[str, Machine], seen: dict[str, Seen], luck: random.Random) -> None:
    """Each part of some city is killed once, in an order that the seed decides; the load goes on throughout."""
    ended, asking, bringing = asyncio.Event(), [], []
    for city, machine in made.items():
        town = machine.town
        add_writer(town)
        access, writer = await town.token(), await town.token(WRITER, "operations")
        for question, token in (("open", None), ("shared", access)):
            seen[city].right[question] = by_city(await town.ask(QUESTIONS[question], token))
            asking.append(keep_asking(town, seen[city], question, token))
        bringing.append(keep_recording(town, seen[city], writer, ended))
        bringing.append(keep_publishing(machine, seen[city], ended))
    async with asyncio.TaskGroup() as group:

        def begin(work: list[Coroutine[Any, Any, None]]) -> list[asyncio.Task[None]]:
            return [group.create_task(one) for one in work]

        questions = begin(asking)
        begin(bringing)
        await get_on(made, seen)
        alone = luck.sample(["worker", "node", "database", "broker"], 4)
        for parts in (alone[:2], [*alone[2:], "everything"], ["everything"] * len(made)):
            for city, part in zip(luck.sample(sorted(made), len(parts)), parts, strict=True):
                made[city].parts[part](luck)
            await get_on(made, seen)
        ended.set()
        for question in questions:
            question.cancel()
    assert sum(one.refused + one.away for one in seen.values()), "the kills were noticed"


async def nothing_is_lost(town: Town, seen: Seen) -> None:
    """What was accepted is there, once and as it was."""

    def stored(key: str) -> dict[datetime, float]:
        rows = town.sql(
            "select phenomenon_time, result from observation o join datastream d on d.id = o.datastream_id"
            " where d.key = %s and phenomenon_time >= %s",
            (key, START),
        )
        assert len({at for at, _ in rows}) == len(rows)
        return dict(rows)

    assert seen.published
    await until(lambda: stored("kfz-ein").keys() >= seen.published.keys(), f"{town.id} lacks what was published")
    assert stored("kfz-ein") == seen.published
    assert seen.stored
    assert stored("rad-ein") == seen.stored
    assert not town.sql("select reason, value from quarantine")
    sequenced = "select (select count(*) from access_record) = (select sum(length) from log_run)"
    await until(lambda: town.sql(sequenced) == [(True,)], f"{town.id} has records without a place in its log")


async def nothing_is_untold(seen: dict[str, Seen], followers: list[Follower]) -> None:
    """Who follows has been told each observation once, of whichever city, whatever broke meanwhile."""
    expected = {(city, at, result) for city, one in seen.items() for at, result in one.stored.items()}
    for follower in followers:
        await until(lambda: follower.told.keys() >= expected, f"{len(expected - follower.told.keys())} are not told")  # noqa: B023
        assert not follower.has_missed
        assert follower.told == Counter(expected)


def nothing_is_unrecorded(towns: dict[str, Town], seen: dict[str, Seen]) -> None:
    """Each answer has its records: at home under its trace, and at each owner whose rows it has, of the same answer.

    The trace at the owner may be another one: who asks what is being asked already shares the answer.
    """
    given: dict[str, set[tuple[str, bytes]]] = {}
    taken: dict[str, dict[tuple[str, str], bytes]] = {}
    own: dict[str, set[str]] = {}
    for city, town in towns.items():
        rows = town.sql(
            "select trace_id, role, coalesce(counterpart, caller_city), response_digest from access_record r"
            " join access_kind k on k.id = r.kind"
        )
        given[city] = {(other, digest) for _, role, other, digest in rows if role == "OWNER"}
        taken[city] = {(trace, other): digest for trace, role, other, digest in rows if role == "CONSUMER"}
        own[city] = {trace for trace, role, _, _ in rows if role == "OWNER"}
        with psycopg.connect(town.database_url, autocommit=True) as connection:
            checked = check_log(connection, load_log_keys(town.settings).log.key)
            assert checked.records + checked.pending >= len(rows), "those who follow bring about records all the time"
    for home, one in seen.items():
        assert one.answered
        for trace, (_, present) in one.answered.items():
            assert home not in present or trace in own[home], (home, trace)
            for owner in present - {home}:
                digest = taken[home][trace, owner]
                assert digest
                assert (home, digest) in given[owner], (home, owner, trace)
        assert own[home] >= set(one.batches)
