"""Clients that go, statements that are broken off, rules that move on: no answer is ever another request's."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

DOCUMENTS = [
    '{ dataset(id: "giessen:dataset:%s") { id title tier } }' % key for key in ("kfz", "rad", "liste-01", "nirgends")
] + [
    "{ datasets(cities: %s, first: %d) { nodes { id title } pageInfo { endCursor } } }" % (cities, first)
    for cities in ('["giessen"]', '["giessen", "fulda"]')
    for first in (1, 3, 10)
]
REFUSALS = {"UNAVAILABLE", "TOO_COSTLY", "INCOMPLETE"}  # what a statement that is broken off may bring about
ROUNDS, CALLERS = 12, 20


@contextmanager
def trouble(town) -> Iterator[None]:
    """Breaks off statements and advances the policy epoch until left."""
    ends = threading.Event()

    def make() -> None:
        with psycopg.connect(town.database_url, autocommit=True) as connection:
            while not ends.wait(0.1):
                connection.execute(
                    "select pg_cancel_backend(pid) from pg_stat_activity where state = 'active' and"
                    " datname = current_database() and pid <> pg_backend_pid() order by random() limit 1"
                )
                connection.execute("update policy_epoch set epoch = epoch + 1")

    thread = threading.Thread(target=make)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


async def test_answers_are_never_mixed_up(healthy):
    town = healthy["giessen"]
    token = await town.token()
    questions = [(document, caller) for document in DOCUMENTS for caller in (token, None)]
    right = [(await town.ask(*question)).body["data"] for question in questions]
    assert len({str(data) for data in right}) > len(DOCUMENTS), "callers see different rows"
    good = 0

    async def caller(seed: int) -> None:
        nonlocal good
        luck = random.Random(seed)
        for _ in range(ROUNDS):
            number = luck.randrange(len(questions))
            try:
                async with asyncio.timeout(luck.choice([0.003, 0.01, 30, 30])):
                    answer = await town.ask(*questions[number])
            except TimeoutError:
                continue  # the client has gone; its connection is closed
            if answer.body.get("errors") and answer.code != "NOT_FOUND":
                assert answer.code in REFUSALS
            else:
                assert answer.body["data"] == right[number]
                good += 1

    with trouble(town):
        await asyncio.gather(*map(caller, range(CALLERS)))
    assert good > CALLERS
