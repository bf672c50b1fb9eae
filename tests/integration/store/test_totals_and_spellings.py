"""What a list tells of all its rows: how many there are, and what was meant if there are none."""

from __future__ import annotations

import orjson
import psycopg
import pytest

from tests.integration.store.conftest import ALL, OPEN

MEANT = "query ($f: DatasetFilter, $first: Int) { datasets(filter: $f, first: $first) { suggestions totalCount nodes { id } } }"


async def meant(store, readable=ALL, first=20, **filters):
    page = await store.page(MEANT, readable, f=filters, first=first)
    return orjson.loads(page.columns["suggestions"])


@pytest.mark.parametrize("first", [0, 1, 20])
async def test_the_total_does_not_depend_on_the_page(store, first):
    page = await store.page(
        'query ($n: Int!) { datasets(first: $n, filter: {themes: ["TRAN"]}) { t: totalCount totalCount } }', n=first
    )
    assert page.columns == {"t": b"2", "totalCount": b"2"}


async def test_the_total_counts_granted_rows_only(store):
    for document in ("{ datasets { totalCount } }", "{ things { totalCount } }", "{ datastreams { totalCount } }"):
        assert (await store.page(document, ())).columns["totalCount"] == b"0"
    assert (await store.page("{ datasets { totalCount nodes { id } } }", OPEN)).columns["totalCount"] == b"2"
    things = await store.rows("{ things { nodes { name datastreams(first: 1) { totalCount nodes { id } } } } }", OPEN)
    assert [row["datastreams"]["totalCount"] for row in things] == [2, 1]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"text": "Radverkher"}, ["Radverkehr"]),
        ({"text": "radferkehr"}, ["Radverkehr", "Verkehr"]),
        ({"text": "Luftqalität"}, ["Luftqualität"]),
        ({"text": "Luftqaulitaet"}, ["Luftqualität"]),
        ({"textPrefix": "Luftkwalit"}, ["Luftqualität"]),
        ({"text": "Zählunk"}, ["Zählung"]),
        ({"text": "Radverkher Zählunk"}, ["Radverkehr Zählung"]),
        ({"text": "Radverkehr Zählunk"}, ["Radverkehr Zählung"]),
        ({"text": "Quantenphysik"}, []),
        ({"text": ""}, []),
        ({"text": "Radverkehr"}, []),
        ({}, []),
        ({"themes": ["GOVE"]}, []),
    ],
)
async def test_what_was_meant(store, typed, expected):
    assert await meant(store, **typed) == expected


async def test_a_page_of_no_rows_is_not_a_text_without_hits(store):
    assert await meant(store, text="Radverkehr", first=0) == []


async def test_who_follows_a_suggestion_finds_something(store):
    assert await meant(store, text="Radverkher", themes=["TRAN"]) == ["Radverkehr"]
    assert await meant(store, text="Radverkher", themes=["ENVI"]) == []


async def test_words_of_datasets_beyond_the_grant_are_never_told(store, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("update dataset set title = 'Geheimprojekt Radverkehrt' where key = 'akten'")
    assert await meant(store, (4,), text="Geheimprojekd") == ["Geheimprojekt"]
    assert await meant(store, (1, 2, 3), text="Geheimprojekd") == []
    assert await meant(store, (1, 2, 3), text="Radverkher") == ["Radverkehr"]
    assert await meant(store, (), text="Radverkher") == []


async def test_the_words_follow_the_catalog(store, database_url):
    def known():
        words = connection.execute("select array_agg(distinct word order by word) from dataset_word").fetchone()[0]
        spelt = connection.execute("select array_agg(distinct word order by word) from word_trigram").fetchone()[0]
        assert words == spelt
        return words or []

    with psycopg.connect(database_url, autocommit=True) as connection:
        assert known() == ["akten", "auto", "luft", "luftqualitat", "radverkehr", "verkehr", "zahlung"]
        connection.execute("update dataset set title = 'Fußverkehr', keywords = '{}' where key in ('rad', 'akten')")
        assert known() == ["auto", "fussverkehr", "luft", "luftqualitat", "verkehr"]
        connection.execute("delete from observation; delete from latest_observation; delete from datastream")
        connection.execute("delete from dataset where key <> 'luft'")
        assert known() == ["luft", "luftqualitat"]
        connection.execute("delete from dataset")
        assert known() == []
