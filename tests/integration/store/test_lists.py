"""Lists: filters, orders, paging, on real PostgreSQL."""

from __future__ import annotations

import pytest

from node.store.limits import PageLimits
from node.store.reader import Reader
from node.store.session import Call
from node.store.sessions import Sessions
from schema.errors import BadInput, TooCostly
from tests.integration.store.conftest import Store, Watched


async def keys(store, argument: str, **kwargs) -> list[str]:
    rows = await store.rows("{ datasets(%s) { nodes { id } } }" % argument, **kwargs)
    return [row["id"].removeprefix("giessen:dataset:") for row in rows]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ('themes: ["TRAN"]', {"rad", "kfz"}),
        ('themes: ["ENVI", "TRAN"]', {"rad", "kfz", "luft"}),
        ("themes: []", set()),
        ('keywords: ["Rad"]', {"rad"}),
        ('text: "Fahrrad"', {"rad"}),
        ('text: "gezählt"', {"rad"}),
        ('text: "Luft -Güte"', set()),
        ("tiers: [SHARED, INTERNAL]", {"kfz", "akten"}),
        ('publishers: ["Umweltamt"]', {"luft"}),
        ('observedProperties: ["pm10"]', {"luft", "akten"}),
        ("bbox: {west: 8.5, south: 50.5, east: 8.66, north: 50.56}", {"rad", "kfz"}),
        ("bbox: {west: 9.4, south: 51.4, east: 10, north: 52}", {"luft"}),
        ('temporal: {start: "2020-06-01T00:00:00Z", end: "2020-07-01T00:00:00Z"}', {"luft"}),
        ('temporal: {start: "2026-06-01T00:00:00Z", end: "2026-07-01T00:00:00Z"}', {"rad"}),
        ('modifiedSince: "2026-01-02T00:00:00Z"', {"rad", "luft"}),
        ('ids: ["giessen:dataset:rad", "fulda:dataset:kfz"]', {"rad"}),
        ('themes: ["TRAN"], keywords: ["Auto"]', {"kfz"}),
        ("themes: null", {"rad", "kfz", "luft", "akten"}),
    ],
)
async def test_dataset_filters(store, filter_, expected):
    assert set(await keys(store, "filter: {%s}" % filter_)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("TITLE_ASC", ["akten", "kfz", "luft", "rad"]),
        ("TITLE_DESC", ["rad", "luft", "kfz", "akten"]),
        ("MODIFIED_ASC", ["akten", "kfz", "luft", "rad"]),
        ("MODIFIED_DESC", ["rad", "luft", "kfz", "akten"]),
    ],
)
async def test_orders_hold_over_pages(store, order, expected):
    document = (
        "query ($after: String) { datasets(orderBy: %s, first: 1, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
        % order
    )
    seen, after, has_next = [], None, True
    while has_next:
        page = await store.page(document, after=after)
        seen += [key for key in expected if f":{key}".encode() in page.columns["nodes"]]
        after, has_next = page.end_cursor, page.has_next
    assert seen == expected


async def test_edges_nodes_and_aliases_in_one_answer(store):
    page = await store.page(
        "{ datasets(first: 2) { a: edges { c: cursor n: node { t: title } __typename } nodes { id } } }"
    )
    assert page.rows == 2
    assert page.has_next
    assert b'"t":"Akten"' in page.columns["a"]
    assert b'"__typename":"DatasetEdge"' in page.columns["a"]
    assert b"giessen:dataset:kfz" in page.columns["nodes"]


async def test_observations_over_datastreams_page_in_time_order(store):
    document = """query ($after: String) {
        observations(filter: {datasets: ["giessen:dataset:rad"], qualities: [RAW]}, first: 7, after: $after,
                     during: {start: "2026-01-01T00:30:00Z", end: "2026-01-01T02:00:00Z"}) {
            nodes { phenomenonTime result datastream { id } } pageInfo { hasNextPage endCursor } } }"""
    seen, after, has_next = [], None, True
    while has_next:
        page = await store.page(document, after=after)
        seen += [(row["phenomenonTime"], row["datastream"]["id"]) for row in await store.rows(document, after=after)]
        after, has_next = page.end_cursor, page.has_next
    assert len(seen) == 6 + 4
    assert seen == sorted(seen)
    assert len(set(seen)) == 10


@pytest.mark.parametrize(
    "argument",
    [
        "first: -1",
        "first: 1001",
        'after: "x"',
        "filter: {bbox: {west: 9, south: 50, east: 8, north: 51}}",
        "filter: {bbox: {west: -200, south: 50, east: 8, north: 51}}",
        'filter: {ids: ["rad"]}',
        'filter: {ids: ["giessen:thing:s1"]}',
        'filter: {text: "%s"}' % ("x" * 201),
        'filter: {text: "a\\u0000b"}',
        'filter: {themes: ["a\\u0000b"]}',
        'filter: {temporal: {start: "2026-01-02T00:00:00Z", end: "2026-01-01T00:00:00Z"}}',
    ],
)
async def test_bad_arguments_name_the_field_and_the_remedy(store, argument):
    with pytest.raises(BadInput) as caught:
        await keys(store, argument)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["'; drop table dataset; --", "%(p0)s", "%s %%", "\\", '"', "{t}", "::text", "ä" * 200]
)
async def test_hostile_texts_are_only_texts(store, text):
    assert await store.rows("query ($t: String!) { datasets(filter: {text: $t}) { nodes { id } } }", t=text) == []
    rows = await store.rows("query ($t: [String!]) { datasets(filter: {keywords: $t}) { nodes { id } } }", t=[text])
    assert rows == []
    found, _ = await store.one("query ($id: ID!) { dataset(id: $id) { id } }", id=f"giessen:dataset:{text}")
    assert found is None


@pytest.mark.parametrize("more", ["", "pageInfo { endCursor }", "edges { cursor node { id } } sortKeys"])
async def test_an_answer_that_is_too_large_never_leaves_the_database(store, database_url, more):
    """It would be in the node's memory before it is refused, and each session keeps room for its largest answer."""
    document = "{ datasets { %s nodes { %s } totalCount } }" % (more, " ".join(f"d{n}: description" for n in range(40)))
    whole = await store.page(document)
    size = sum(len(json) for key, json in whole.columns.items() if key != "totalCount")
    async with Watched(database_url) as sessions:
        page = await Store(Reader(sessions, "giessen", PageLimits(answer_bytes=size + 1))).page(document)
        assert page.columns == whole.columns
        with pytest.raises(TooCostly, match=f"the answer has {size} bytes"):
            await Store(Reader(sessions, "giessen", PageLimits(answer_bytes=size - 1))).page(document)
    assert sessions.received[0] >= size
    assert sessions.received[1] < 400


async def test_a_list_without_rows_may_tell_their_number(store):
    page = await store.page("{ datasets(first: 0) { totalCount } }")
    assert page.columns == {"totalCount": b"4"}


async def test_what_is_beyond_the_databases_own_limits_is_too_costly_not_a_database_that_is_down(database_url):
    class Huge(Sessions):
        async def read(self, *calls):
            """Refused at once, as a text of more than a gigabyte is once it has been made."""
            return await super().read(calls[0], Call("select array_fill(1, array[100000, 100000])", []))

    async with Huge(database_url, size=1, statement_ms=5_000, name="test") as sessions:
        with pytest.raises(TooCostly, match="larger than the database can make"):
            await Store(Reader(sessions, "giessen", PageLimits())).page("{ datasets { nodes { id } } }")
