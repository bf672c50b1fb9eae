"""Arrivals are numbered in the order in which they commit, and only what is new, and recent, arrives."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from node.ingest.observations import batches, finish_writing, write_batch
from node.store.arrival_tables import ARRIVED, CHUNK
from tests.integration.store.conftest import SEED

WRITERS, ROUNDS, ROWS = 4, 12, 3
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12)


@pytest.fixture
def owner(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SEED)
        yield connection


def rows(datastream: int, first: int, count: int, result: float = 1.0, start: datetime = START):
    times = [(start + timedelta(milliseconds=first + n)).isoformat() for n in range(count)]
    return [(datastream, at, None, result, "RAW") for at in times]


def write(connection, found, pause=lambda: None) -> None:
    with connection.transaction():
        for batch in batches(found):
            write_batch(connection, batch)
        finish_writing(connection, {row[0] for row in found})
        pause()


def arrived(connection, after: int = 0) -> list[tuple[int, int, list[datetime]]]:
    return connection.execute(
        "select id, datastream_id, times from arrival where id > %s order by id", (after,)
    ).fetchall()


def test_who_reads_up_to_a_number_has_missed_nothing_before_it(owner, database_url):
    """Writers hold their transactions open after they have numbered; a reader goes on from the last number it saw."""
    dice = random.Random(5)

    def writer(number: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            for turn in range(ROUNDS):
                first = (number * ROUNDS + turn) * ROWS
                write(connection, rows(1 + number % 2, first, ROWS), lambda: time.sleep(dice.random() / 200))

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    seen: list[tuple[int, datetime]] = []
    last = 0
    while True:
        is_last = not any(thread.is_alive() for thread in threads)
        for number, datastream, times in arrived(owner, last):
            seen += [(datastream, at) for at in times]
            last = number
        if is_last:
            break
    assert len(seen) == len(set(seen)) == WRITERS * ROUNDS * ROWS


def test_only_what_is_new_or_corrected_arrives(owner):
    write(owner, rows(1, 0, 3))
    (first,) = arrived(owner)
    assert (first[1], len(first[2])) == (1, 3)
    write(owner, rows(1, 0, 3))
    assert arrived(owner, first[0]) == [], "sent again"
    write(owner, [*rows(1, 0, 2), *rows(1, 2, 1, 9.0), *rows(2, 0, 1)])
    assert [(datastream, len(times)) for _, datastream, times in arrived(owner, first[0])] == [(1, 1), (2, 1)]


def test_history_does_not_arrive(owner):
    write(owner, rows(1, 0, 3, start=START - timedelta(days=30)))
    assert arrived(owner) == []
    assert owner.execute("select count(*) from observation where result = 1").fetchone() == (3,)


def test_long_batches_come_in_pieces_and_numbers_are_times(owner):
    before = time.time()
    write(owner, rows(1, 0, 2 * CHUNK + 1))
    found = arrived(owner)
    assert [len(times) for *_, times in found] == [CHUNK, CHUNK, 1]
    assert all(abs(number / 1_000_000 - before) < 60 for number, *_ in found)
    assert [at for *_, times in found for at in times] == sorted(at for *_, times in found for at in times)


def test_who_listens_hears_which_datastreams_once_it_is_committed(owner, database_url):
    with psycopg.connect(database_url, autocommit=True) as ear:
        ear.execute(f"listen {ARRIVED}")
        write(owner, [*rows(2, 0, 1), *rows(1, 0, 1)])
        (told,) = ear.notifies(timeout=10, stop_after=1)
        assert sorted(told.payload.split(",")) == ["1", "2"]
        with pytest.raises(ZeroDivisionError):
            write(owner, rows(1, 5, 1), lambda: 1 / 0)
        assert list(ear.notifies(timeout=0.2)) == []
