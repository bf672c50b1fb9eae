"""What was imported before there was a search is found after the migration."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from alembic import command

from node.store.engine import make_engine
from node.store.migrate import _config


@pytest.fixture
def old_database(postgres_url):
    """A database as the first migration left it."""
    name = f"o_{uuid.uuid4().hex[:12]}"
    url = postgres_url.replace("/verbund?", f"/{name}?")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    _upgrade(url, "2026_11_22_0001")
    yield url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def _upgrade(url: str, revision: str) -> None:
    engine = make_engine(url)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_rows_that_are_there_are_converted(old_database):
    with psycopg.connect(old_database) as connection:
        connection.execute("""
            insert into publisher (key, name) values ('p', 'Tiefbauamt');
            insert into dataset (key, title, title_sort, keywords, publisher_id, digest)
            values ('rad', 'Radverkehrszählung', '', '{Fahrrad}', 1, ''), ('luft', 'Luft', '', '{}', null, '');
            insert into thing (key, name, place) values ('s', 'Zählstelle', 'Lahnbrücke');""")
    _upgrade(old_database, "2026_11_23_0002")
    with psycopg.connect(old_database) as connection:
        for text in ("verkehr", "Zaehlung", "fahrrad tiefbauamt"):
            found = connection.execute("select key from dataset where search @@ search_query(%s)", (text,)).fetchall()
            assert found == [("rad",)], text
        assert connection.execute("select key from thing where search @@ search_query('brücke')").fetchall() == [("s",)]
        spelt = connection.execute("select * from search_spellings('Farrad', '{1,2}'::int[])").fetchall()
        assert spelt == [("Fahrrad",)]
        before = connection.execute("select search from dataset order by key").fetchall()
        connection.execute("update dataset set search = ''")
        assert connection.execute("select search from dataset order by key").fetchall() == before
