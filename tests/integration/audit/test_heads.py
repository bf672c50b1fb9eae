"""Tree heads of years: which ones stay, and that nobody looks through them all every second."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from node.audit.state import LogStates
from node.store.pool import make_pool
from tests.integration.audit.conftest import sequence
from tests.log import append
from tests.work import rows_read, until_alone

HEADS = """
insert into log_checkpoint (size, at, root, note, cosigned_at)
select n - %s, now() - n * interval '1 minute', '', '', case when %s then now() - n * interval '1 minute' end
  from generate_series(1, 3000) n
"""


async def own(database_url: str):
    async with make_pool(database_url, size=1, statement_ms=10_000) as pool:
        states = LogStates(pool, "giessen", timedelta(hours=1))
        await states.refresh()
    return states


def kept(connection) -> list[int]:
    return [size for (size,) in connection.execute("select size from log_checkpoint order by size")]


def test_heads_that_nobody_cosigned_go_an_hour_after_once_a_later_one_is(connection, database_url):
    connection.execute("""
        insert into log_checkpoint (size, at, root, note, cosigned_at) values
        (-9, now() - interval '5 h', '', '', null), (-8, now() - interval '4 h', '', '', now()),
        (-7, now() - interval '3 h', '', '', null), (-6, now() - interval '59 min', '', '', null),
        (-5, now() - interval '58 min', '', '', now()), (-4, now() - interval '57 min', '', '', null)""")
    append(connection, 1)
    sequence(database_url)
    assert kept(connection) == [-8, -6, -5, -4, 1]


def test_heads_stay_as_long_as_nobody_cosigns_any(connection, database_url):
    connection.execute("insert into log_checkpoint (size, at, root, note) values (-9, now() - interval '5 h', '', '')")
    append(connection, 1)
    sequence(database_url)
    assert kept(connection) == [-9, 1]


async def test_the_state_tells_of_the_last_that_was_cosigned_or_since_when_none_was(connection, database_url):
    assert (await own(database_url)).own.since is None
    connection.execute("""
        insert into log_checkpoint (size, at, root, note) values
        (1, '2026-01-01Z', '', ''), (2, '2026-01-02Z', '', ''), (3, '2026-01-03Z', '', '')""")
    found = (await own(database_url)).own
    assert (found.size, found.cosigned_at, f"{found.since:%d}") == (3, None, "01")
    connection.execute("update log_checkpoint set cosigned_at = '2026-01-05Z' where size = 2")
    found = (await own(database_url)).own
    assert (found.size, found.cosigned_at, f"{found.since:%d}") == (3, found.since, "05")


@pytest.mark.parametrize("cosigned", [True, False])
async def test_the_age_of_the_log_costs_nothing(connection, database_url, cosigned):
    connection.execute(HEADS, (4_000, cosigned))
    connection.execute("analyze log_checkpoint")
    append(connection, 1)
    connection.close()
    with psycopg.connect(database_url, autocommit=True) as watching:
        until_alone(watching)
        before = rows_read(watching)
        sequence(database_url)
        await own(database_url)
        until_alone(watching)
        assert rows_read(watching) - before < 300
