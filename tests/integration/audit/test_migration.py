"""Records from before the tree become part of it."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from alembic import command

from node.store.engine import make_engine
from node.store.migrate import _config, migrate
from tests.integration.audit.conftest import sequence
from tests.integration.audit.test_sequencer import entries, head

BEFORE = "2026_11_26_0007"
OLD = """
insert into operation values (sha256('a'), '{ node { id } }'), (sha256('b'), 'x');
insert into access_record (trace_id, role, counterpart, caller_city, application, purpose, token_id, action, field,
  operation, datasets, decision, rules, policy_version, state, rows, bytes, took_ms)
select case n % 3 when 0 then 'aa' else 'bb' end, 'OWNER', case when n % 2 = 0 then 'fulda' end, 'fulda', 'äpp "1"',
  null, 'token', 'peer:dataset:read', 'datasets', sha256('a'), '{a,b}', 'PERMIT', '{"r\\"1"}', 'v', 'OK', n, 10, 1.5
  from generate_series(1, 400) n;
"""


@pytest.fixture
def old_database(postgres_url):
    """A database as it was before, with records."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    head_, _, tail = postgres_url.rpartition("/verbund?")
    url = f"{head_}/{name}?{tail}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    engine = make_engine(url)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(OLD)
    yield engine, url
    engine.dispose()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def test_old_records_are_in_the_tree_with_the_same_canonical_bytes(old_database):
    import pymerkle

    engine, url = old_database
    migrate(engine)
    assert sequence(url) == 400
    with psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC") as connection:
        other = pymerkle.InmemoryTree(algorithm="sha256")
        for entry in entries(connection):
            other.append_entry(entry)
        assert head(connection).root == other.get_root()
        document, count, rows = connection.execute(
            "select document, count(*), sum(rows) from access_record r join access_kind k on k.id = r.kind"
            " join operation on digest = operation group by 1"
        ).fetchone()
        assert (document, count, rows) == ("{ node { id } }", 400, sum(range(1, 401)))
        assert connection.execute("select nextval(pg_get_serial_sequence('access_record', 'id'))").fetchone() == (401,)
