"""Facets against plain Python: each under the filter without its own list, of granted datasets only."""

from __future__ import annotations

from collections import Counter

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.errors import BadInput
from tests.integration.store.conftest import ALL, OPEN, scope_of
from tests.unit.schema.test_selection import tree

FACETS = """query ($f: DatasetFilter) { datasetFacets(filter: $f) { total
    themes { value count } tiers { value count } publishers { value count } licences { value count }
    formats { value count } languages { value count } accrualPeriodicities { value count } keywords { value count }
    cities { value label count } } }"""


async def facets(store, document=FACETS, readable=ALL, **variables):
    return await store.reader.parts(await tree(document, **variables), scope_of(readable))


async def counts(store, readable=ALL, **filters):
    part = await facets(store, FACETS, readable, f=filters)
    read = {name: orjson.loads(json) for name, json in part.members.items()}
    return part, {
        name: {row["value"]: row["count"] for row in rows} for name, rows in read.items() if name != "total"
    } | {"total": read["total"]}


async def test_counts_of_what_may_be_seen(store):
    part, seen = await counts(store)
    assert seen == {
        "total": 4,
        "cities": {"giessen": 4},
        "themes": {"TRAN": 2, "ENVI": 1, "HEAL": 1},
        "tiers": {"OPEN": 2, "INTERNAL": 1, "SHARED": 1},
        "publishers": {"Amt für Verkehr": 2, "Umweltamt": 1},
        "licences": {"dl-by-de/2.0": 1},
        "formats": {},
        "languages": {},
        "accrualPeriodicities": {},
        "keywords": {"Auto": 1, "Luft": 1, "Rad": 1, "Zählung": 1},
    }
    assert (part.rows, part.datasets, part.denied) == (4, {"kfz", "akten"}, frozenset())
    part, seen = await counts(store, OPEN)
    assert (seen["total"], seen["tiers"], part.rows, part.datasets) == (2, {"OPEN": 2}, 2, frozenset())
    _, seen = await counts(store, ())
    assert seen == {name: {} for name in seen} | {"total": 0}


async def test_a_facet_ignores_its_own_choice_and_no_other(store):
    _, seen = await counts(store, themes=["ENVI"])
    assert seen["themes"] == {"TRAN": 2, "ENVI": 1, "HEAL": 1}
    assert (seen["publishers"], seen["total"]) == ({"Umweltamt": 1}, 1)
    _, seen = await counts(store, themes=["TRAN"], tiers=["OPEN"])
    assert seen["themes"] == {"TRAN": 1, "ENVI": 1, "HEAL": 1}
    assert seen["tiers"] == {"OPEN": 1, "SHARED": 1}
    assert seen["publishers"] == {"Amt für Verkehr": 1}


async def test_labels_orders_and_bounds(store):
    part = await facets(
        store,
        "query { datasetFacets { k: keywords(first: 2) { v: value __typename } all: keywords { value } t: themes { label } licences { label } __typename } }",
    )
    read = {name: orjson.loads(json) for name, json in part.members.items()}
    assert read["k"] == [{"v": "Auto", "__typename": "FacetCount"}, {"v": "Luft", "__typename": "FacetCount"}]
    assert len(read["all"]) == 4
    assert read["t"][0] == {"label": "Verkehr"}
    assert read["licences"] == [{"label": "DL DE BY"}]
    assert read["__typename"] == "DatasetFacetsResult"
    for first in (-1, 1001):
        with pytest.raises(BadInput, match="keywords"):
            await facets(store, "query ($n: Int!) { datasetFacets { keywords(first: $n) { value } } }", n=first)


async def test_named_but_denied_datasets_are_known_for_the_record(store):
    part = await facets(store, FACETS, OPEN, f={"ids": ["giessen:dataset:kfz", "giessen:dataset:rad"]})
    assert part.denied == {"kfz"}
    assert orjson.loads(part.members["total"]) == 1


THEMES, TIERS, WORDS = ("TRAN", "ENVI", "XXXX"), ("OPEN", "SHARED", "INTERNAL"), ("a", "b", "c")
_some = lambda values: st.lists(st.sampled_from(values), unique=True, max_size=3)
_datasets = st.lists(st.tuples(_some(THEMES), st.sampled_from(TIERS), _some(WORDS), st.booleans()), max_size=12)
_chosen = lambda values: st.none() | st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_datasets, themes=_chosen(THEMES), tiers=_chosen(TIERS), words=_chosen(WORDS))
async def test_as_counted_in_python(store, database_url, rows, themes, tiers, words):
    with psycopg.connect(database_url) as connection:
        connection.execute("delete from dataset where key like 'h%'")
        ids = [
            connection.execute(
                "insert into dataset (key, title, title_sort, themes, tier, keywords, digest)"
                " values (%s, 't', 't', %s, %s, %s, '') returning id",
                (f"h{number}", row[0], row[1], row[2]),
            ).fetchone()[0]
            for number, row in enumerate(rows)
        ]
    granted = [row for row in rows if row[3]]
    _, seen = await counts(
        store,
        tuple(id_ for id_, row in zip(ids, rows, strict=True) if row[3]),
        themes=themes, tiers=tiers, keywords=words,
    )  # fmt: skip
    fits = {
        "themes": lambda row: themes is None or set(row[0]) & set(themes),
        "tiers": lambda row: tiers is None or row[1] in tiers,
        "keywords": lambda row: words is None or set(row[2]) & set(words),
    }
    values = {"themes": lambda row: row[0], "tiers": lambda row: [row[1]], "keywords": lambda row: row[2]}
    for name in fits:
        left = [row for row in granted if all(fit(row) for other, fit in fits.items() if other != name)]
        assert seen[name] == Counter(value for row in left for value in values[name](row))
        assert list(seen[name]) == sorted(seen[name], key=lambda value: (-seen[name][value], value))
    assert seen["total"] == sum(all(fit(row) for fit in fits.values()) for row in granted)
