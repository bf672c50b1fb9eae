"""Every order is total: pages of any length put together are the whole, forwards from any cursor, with missing values."""

from __future__ import annotations

import orjson
import psycopg
import pytest

from node.store.lists import LISTS
from schema.cursor import binding_of, decode
from tests.unit.schema.test_selection import tree

NEAR = {"longitude": 8.7, "latitude": 50.57, "radiusMetres": 20_000}
FILTERS = {"Dataset": {"text": "verkehr or luft"}, "Thing": {"near": NEAR}, "Datastream": {"near": NEAR}}
TYPED = {
    "Dataset": {"text": "verkehr or luft"},
    "Thing": {"text": "brücke or ring"},
    "Datastream": {"text": "rad or kfz"},
}
FIELDS = {"Dataset": "datasets", "Thing": "things", "Datastream": "datastreams"}
ORDERS = [(kind, order) for kind in FIELDS for order in LISTS[kind].orders]


@pytest.fixture
def dated(database_url, store):
    with psycopg.connect(database_url) as connection:
        connection.execute("""
            update dataset set issued = '2024-01-01Z' where key in ('rad', 'luft');
            update datastream set phenomenon_end = '2026-01-02Z' where key like 'rad%';
            update datastream set phenomenon_end = '2026-01-01Z' where key = 'kfz-ein';""")
    return store


@pytest.mark.parametrize(("kind", "order"), ORDERS)
async def test_pages_put_together_are_the_whole(dated, kind, order):
    filters = (TYPED if order == "RELEVANCE" else FILTERS)[kind]
    document = (
        "query ($f: %sFilter, $first: Int!, $after: String) { %s(filter: $f, orderBy: %s, first: $first, after: $after)"
        " { edges { cursor node { id } } sortKeys localKeys totalCount } }"
    ) % (kind, FIELDS[kind], order)
    whole = await dated.rows(document, f=filters, first=100)
    columns = (await dated.page(document, f=filters, first=100)).columns
    marks = [*zip(orjson.loads(columns["sortKeys"]), orjson.loads(columns["localKeys"]), strict=True)]
    assert len(whole) > 1
    for first in (1, 2):
        seen, after = [], None
        for _ in range(len(whole) + 1):
            page = await dated.page(document, f=filters, first=first, after=after)
            assert page.columns["totalCount"] == str(len(whole)).encode()
            rows = orjson.loads(page.columns["edges"])
            if not rows:
                break
            seen += rows
            after = rows[-1]["cursor"]
        assert seen == whole
    field = await tree(document, f=filters, first=1)
    binding = binding_of(field.name, field.arguments)
    positions = [decode(edge["cursor"], binding).watermark for edge in whole]
    assert [(p.sort, p.key) for p in positions] == marks
    descending = LISTS[kind].orders[order].descending
    assert positions == sorted(
        sorted(positions, key=lambda p: (p.city, p.key)), key=lambda p: p.sort, reverse=descending
    ), "the sort key compares as text, as the merge of cities compares it"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ datasets(orderBy: ISSUED_DESC) { nodes { id } } }", ["luft", "rad", "akten", "kfz"]),
        ("{ datasets(orderBy: ISSUED_ASC) { nodes { id } } }", ["akten", "kfz", "luft", "rad"]),
        (
            "{ datastreams(orderBy: PHENOMENON_END_DESC) { nodes { id } } }",
            ["rad-aus", "rad-ein", "kfz-ein", "intern", "kfz-ring", "luft-1"],
        ),
        (
            "{ things(orderBy: DISTANCE, filter: {near: {longitude: 8.79, latitude: 50.6, radiusMetres: 20000}}) { nodes { id } } }",
            ["s2", "s1"],
        ),
        (
            "{ datastreams(orderBy: DISTANCE, filter: {near: {longitude: 8.79, latitude: 50.6, radiusMetres: 20000}}) { nodes { id } } }",
            ["kfz-ring", "luft-1", "kfz-ein", "rad-aus", "rad-ein"],
        ),
    ],
)
async def test_what_comes_first(dated, document, expected):
    assert [row["id"].split(":")[2] for row in await dated.rows(document)] == expected
