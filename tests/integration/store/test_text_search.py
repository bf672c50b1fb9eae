"""Full text: folding, inflection, words within words, phrases, ranking, prefixes; what is typed is never an error."""

from __future__ import annotations

import re
import unicodedata

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schema.errors import BadInput

FOUND = "query ($f: DatasetFilter) { datasets(filter: $f, orderBy: RELEVANCE) { nodes { id } } }"
CATALOG = [
    ("zaehlung", "Radverkehrszählung", "Zählstellen an der Straße", ["Fahrrad"]),
    ("stellen", "Zählstellen", "Wo gezählt wird", []),
    ("baeder", "Bäder", "Ein Weg zur Radverkehrszählung führt am Bad vorbei " * 20, []),
    ("strasse", "Straßennetz", "Häuser und Wege", ["Kfz-Verkehr", "K 12"]),
    ("neues", "Neue Quellen", "Steuer", []),
]


@pytest.fixture
def catalog(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        for key, title, description, keywords in CATALOG:
            connection.execute(
                "insert into dataset (key, title, title_sort, description, keywords, digest) values (%s, %s, '', %s, %s, '')",
                (key, title, description, keywords),
            )
        yield connection


def hits(connection, text, function="search_query"):
    rows = connection.execute(
        f"select key from dataset where search @@ {function}(%(text)s)"
        f" order by search_rank(search, search_exact(%(text)s), {function}(%(text)s)), key",
        {"text": text},
    )
    return [key for (key,) in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Radverkehrszählung", ["zaehlung", "baeder"]),
        ("radverkehrszaehlungen", ["zaehlung", "baeder"]),
        ("Radverkehr", ["zaehlung", "baeder"]),
        ("Verkehr", ["strasse", "zaehlung"]),
        ("Zählstelle", ["stellen", "zaehlung"]),
        ("Zaehlstelle", ["stellen", "zaehlung"]),
        ("Zahlstelle", ["stellen", "zaehlung"]),
        ("ZÄHLSTELLEN", ["stellen", "zaehlung"]),
        ("Strasse", ["strasse", "zaehlung"]),
        ("STRAẞE", ["strasse", "zaehlung"]),
        ("Haus", ["strasse"]),
        ("Rad", ["zaehlung", "baeder"]),
        ("Weg", ["baeder", "strasse"]),
        ("kfz verkehr", ["strasse"]),
        ("Kfz-Verkehr", ["strasse"]),
        ("K12", []),
        ("neu", ["neues"]),
        ("quelle", ["neues"]),
        ("die Häuser und die Wege", ["strasse"]),
        ('"Häuser und Wege"', ["strasse"]),
        ('"Wege Häuser"', []),
        ("„Häuser und Wege“", ["strasse"]),
        ("Zählstellen -Fahrrad", ["stellen"]),
        ("Häuser or Steuer", ["neues", "strasse"]),
        ("und", []),
        ("", []),
    ],
)
def test_what_is_found_best_first(catalog, text, expected):
    found = hits(catalog, text)
    assert found == expected


def test_a_hit_in_the_title_outranks_any_number_in_the_description(catalog):
    assert hits(catalog, "Radverkehrszählung") == ["zaehlung", "baeder"]


@pytest.mark.parametrize("word", ["Radverkehrszählung", "Straßennetz", "Zaehlstellen", "Fahrrad"])
def test_a_word_is_found_while_it_is_being_typed(catalog, word):
    finished = set(hits(catalog, word, "search_prefix_query"))
    assert finished
    for length in range(1, len(word) + 1):
        assert finished <= set(hits(catalog, word[:length], "search_prefix_query")), word[:length]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kfz ver", {"strasse"}),
        ("kfz-ver", {"strasse"}),
        ("kfz zzz", set()),
        ("Häuser ", {"strasse"}),
        ("Häuser or Steu", {"strasse", "neues"}),
        ('"Häuser und We', {"strasse"}),
        ("Zählstellen -Fahr", {"stellen", "zaehlung"}),
        ("unterwegs", set()),
    ],
)
def test_only_the_last_word_is_unfinished(catalog, text, expected):
    assert set(hits(catalog, text, "search_prefix_query")) == expected


def fold(text: str) -> str:
    """Written down once more, plainly."""
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not 0x300 <= ord(letter) <= 0x36F
    ).lower()
    for letter, spelt in {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"}.items():
        bare = bare.replace(letter, spelt)
    return re.sub("(?<![aeiouq])([aou])e", r"\1", bare)


GERMAN = "abcdefghijklmnopqrstuvwxyzäöüßABCÄÖÜẞéç ae oe ue \t-/\"'()&|!:*<>0123456789"


@pytest.fixture
def quiet(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set client_min_messages = error")
        yield connection


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(GERMAN, max_size=60))
@example("Israel aktuell Poesie Bauer")
def test_folding_is_as_it_is_written_down(quiet, text):
    assert quiet.execute("select search_fold(%s)", (text,)).fetchone() == (fold(text),)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200)
    | st.text(GERMAN, max_size=200)
)
@example("' '' \\ '\\'")
@example('-"a b" or -or or "')
@example("'a':* & !b | (c <-> d)")
def test_whatever_is_typed_can_be_looked_for(quiet, text):
    quiet.execute(
        "select search_query(%(t)s), search_prefix_query(%(t)s), search_exact(%(t)s), search_vector(%(t)s, 'A'),"
        " search_parts(%(t)s, 'B'), array(select search_spellings(%(t)s, '{1,2}'::int[]))",
        {"t": text},
    ).fetchone()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("abdehiklmnorstuäöüß", min_size=4, max_size=25), min_size=1, max_size=4))
def test_a_title_is_found_by_its_words_their_beginnings_and_their_ends(quiet, words):
    def found(text, function="search_query"):
        query = f"select search_vector(%s, 'A') || search_parts(%s, 'B') @@ {function}(%s)"
        return quiet.execute(query, (" ".join(words), " ".join(words), text)).fetchone()[0]

    stop = quiet.execute("select search_words(%s)", (" ".join(words),)).fetchone()[0].split() != [
        fold(w) for w in words
    ]
    if stop or any(len(fold(word)) < 4 for word in words):
        return
    assert found(" ".join(words))
    assert found(" ".join(words)[:-1], "search_prefix_query")
    for end in (fold(word)[-4:] for word in words):
        assert fold(end) != end or found(end, "search_prefix_query")  # cut apart, "a" and "e" may come to be one


def test_the_search_follows_changes_of_the_publishers_name(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into publisher (key, name) values ('a', 'Grünflächenamt')")
        connection.execute(
            "insert into dataset (key, title, title_sort, publisher_id, digest) values ('b', 'Bäume', '', 1, '')"
        )
        assert hits(connection, "Bäume Grünflächenamt") == ["b"]
        connection.execute("update publisher set name = 'Umweltamt'")
        assert hits(connection, "Grünflächenamt") == []
        assert hits(connection, "Umweltamt") == ["b"]


async def test_hits_in_names_of_things_and_datastreams_bring_their_dataset(store):
    assert [row["id"] for row in await store.rows(FOUND, f={"text": "Brücke"})] == [
        "giessen:dataset:kfz",
        "giessen:dataset:rad",
    ]
    assert [row["id"] for row in await store.rows(FOUND, (1, 3), f={"text": "Brücke"})] == ["giessen:dataset:rad"]
    assert [row["id"] for row in await store.rows(FOUND, f={"textPrefix": "pm"})] == ["giessen:dataset:luft"]


async def test_things_and_datastreams_are_searched(store):
    things = "query ($t: String!) { things(filter: {text: $t}) { nodes { name } } }"
    assert [row["name"] for row in await store.rows(things, t="bruecke")] == ["Brücke"]
    assert [row["name"] for row in await store.rows(things, t="Lahn")] == ["Brücke"], "by its place"
    streams = "query ($t: String!) { datastreams(filter: {text: $t}) { nodes { name } } }"
    assert [row["name"] for row in await store.rows(streams, t="Kfz")] == ["Kfz ein", "Kfz Ring"]
    assert [row["name"] for row in await store.rows(streams, (2,), t="Lahnbrücke")] == ["Kfz ein"]


async def test_relevance_needs_a_text(store):
    for field in ("datasets", "things", "datastreams"):
        with pytest.raises(BadInput, match="RELEVANCE") as caught:
            await store.rows("{ %s(orderBy: RELEVANCE, filter: {}) { nodes { id } } }" % field)
        assert "filter.text" in caught.value.hint
    with pytest.raises(BadInput, match="200"):
        await store.rows(FOUND, f={"text": "x" * 201})
