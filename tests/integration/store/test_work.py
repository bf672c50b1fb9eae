"""What a question costs grows with its answer, not with the city: the rows that PostgreSQL reads for it are counted."""

from __future__ import annotations

import psycopg
import pytest

from node.store.limits import PageLimits
from node.store.parameters import Scope
from node.store.reader import Reader
from node.store.reading_role import ENTER
from node.store.row_grant import row_grant
from node.store.sessions import Sessions
from schema.cursor import Position
from tests.unit.schema.test_selection import tree
from tests.work import rows_read, until_alone

DATASETS = 3_000
FIRST = 10
# without the triggers: what they keep is not looked at here
SEED = f"""
set session_replication_role = replica;
insert into contact (key, name) select 'amt' || n, 'Amt' from generate_series(1, 6) n;
insert into dataset (key, title, title_sort, tier, digest, contact_id, modified, issued)
select 'd' || n, 'Daten ' || n, 'daten ' || n, 'OPEN', '', n % 6 + 1,
       case when n % 7 > 0 then timestamptz '2020-01-01Z' + n * interval '1 hour' end,
       timestamptz '2010-01-01Z' + n * interval '1 hour' from generate_series(1, {DATASETS}) n;
set session_replication_role = origin;
analyze;
"""
LISTED = "{ datasets(first: 10, orderBy: %s) { nodes { id %s } } }"


@pytest.fixture(scope="module")
def grown(module_database_url):
    with psycopg.connect(module_database_url, autocommit=True) as connection:
        connection.execute(SEED)
    return module_database_url


async def read_for(url: str, document: str, after: Position | None = None) -> int:
    """Rows read for a page of a caller who sees every other dataset."""
    seen = range(2, DATASETS, 2)
    scope = Scope(tuple(seen), tuple(seen), row_grant(seen, seen, ()), {id_: f"d{id_}" for id_ in seen})
    with psycopg.connect(url, autocommit=True) as connection:
        until_alone(connection)
        before = rows_read(connection)
        async with Sessions(url, size=1, statement_ms=20_000, name="test", on_open=[ENTER]) as sessions:
            page = await Reader(sessions, "giessen", PageLimits()).page(await tree(document), scope, after)
        assert page.rows == FIRST
        until_alone(connection)
        return rows_read(connection) - before


@pytest.mark.parametrize(
    ("order", "far"),
    [
        ("TITLE_ASC", "daten 25"),
        ("TITLE_DESC", "daten 25"),
        ("MODIFIED_ASC", "2020-03-01 00:00:00+00"),
        ("MODIFIED_DESC", "2020-03-01 00:00:00+00"),
        ("ISSUED_ASC", "2010-03-01 00:00:00+00"),
        ("ISSUED_DESC", "2010-03-01 00:00:00+00"),
    ],
)
async def test_a_page_of_any_order_costs_its_own_rows_wherever_it_begins(grown, order, far):
    document = LISTED % (order, "title")
    assert await read_for(grown, document) < 20 * FIRST
    assert await read_for(grown, document, Position(far, "giessen", "d")) < 20 * FIRST


async def test_a_contact_of_many_datasets_costs_no_more_than_one_of_few(grown):
    assert await read_for(grown, LISTED % ("TITLE_ASC", "contactPoint { name }")) < 20 * FIRST
