"""What an operation may cost is known before anything runs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.plan import plan_page
from schema.cost import Cost, CostLimits, as_extension, check_cost, cost_of
from schema.errors import TooCostly
from schema.selection import Field
from schema.weights import LEAF, WEIGHTS
from tests.unit.schema.test_selection import tree

ROOT = 100
NESTED = 5
CURSOR = 1
HUGE = CostLimits(10**12, 10**12)


@pytest.mark.parametrize(
    ("document", "rows", "cost"),
    [
        ("{ datasets(first: 10) { nodes { id title } } }", 10, ROOT + 10 * (1 + 2 * LEAF)),
        ("{ datasets { edges { cursor node { id } } } }", 20, ROOT + 20 * (CURSOR + 1 + LEAF)),
        ("{ datasets(first: 10) { a: nodes { id } b: nodes { id } } }", 10, ROOT + 20 * (1 + LEAF)),
        ("{ datasets(first: 3) { pageInfo { endCursor hasNextPage } } }", 3, ROOT + 2 * LEAF + 3),
        ("{ datasets(first: 0) { nodes { id } } }", 0, ROOT),
        ('{ dataset(id: "giessen:dataset:x") { id publisher { name } } }', 0, ROOT + LEAF + 1 + LEAF),
        ("{ datasets(first: 2) { nodes { bbox { west east } } } }", 2, ROOT + 2 * (1 + 0.1 + 2 * LEAF)),
        (
            "{ datasets(first: 10) { nodes { datastreams(first: 5) { nodes { id } } } } }",
            60,
            ROOT + 10 * (1 + NESTED + 5 * (1 + LEAF)),
        ),
        ("{ datasets(first: 1) { nodes { distributions { title } } } }", 1, ROOT + 1 + 5 * (0.5 + LEAF)),
        ("{ datasets { totalCount federation { complete cities { city } } } }", 20, ROOT + 20 + 20 + 2 * LEAF),
        ('{ datasets(first: 1, filter: {text: "rad", themes: []}) { nodes { id } } }', 1, ROOT + 1000 + 1 + LEAF),
        ("{ datasetFacets { keywords(first: 7) { value count } } }", 0, 1000 + 7 * (1 + 2 * LEAF)),
    ],
)
async def test_rows_and_cost(document, rows, cost):
    found = cost_of(await tree(document))
    assert found.rows == rows
    assert found.cost == pytest.approx(cost)


async def test_a_filter_below_the_root_looks_at_the_rows_of_one_parent_only():
    plain = "{ datasets { nodes { datastreams { nodes { id } } } } }"
    filtered = '{ datasets { nodes { datastreams(filter: {text: "rad"}) { nodes { id } } } } }'
    assert cost_of(await tree(filtered)) == cost_of(await tree(plain))


async def test_variables_and_defaults_count_as_what_they_are():
    document = "query ($n: Int) { datasets(first: $n) { nodes { id } } }"
    assert cost_of(await tree(document, n=7)).rows == 7
    assert cost_of(await tree(document)).rows == 20


async def test_aliases_are_not_free():
    once = await tree("{ datasets(first: 1000) { nodes { id } } }")
    often = await tree("{ datasets(first: 1000) { nodes { %s } } }" % " ".join(f"a{i}: id" for i in range(50)))
    assert cost_of(often).cost == pytest.approx(cost_of(once).cost + 49 * 1000 * LEAF)


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ("{ datasets(first: 9) { nodes { id d: datastreams(first: 500) { nodes { id } } } } }", "datasets.nodes.d"),
        ("{ datasets(first: 900) { nodes { id } } }", "datasets"),
    ],
)
async def test_too_many_rows_are_told_with_number_limit_place_and_remedy(document, where):
    field = await tree(document)
    rows = cost_of(field).rows
    check_cost([field], CostLimits(rows, 10**9))
    with pytest.raises(TooCostly) as refused:
        check_cost([field], CostLimits(rows - 1, 10**9))
    assert f"up to {rows} rows" in refused.value.message
    assert f"limit is {rows - 1}." in refused.value.message
    assert re.search(rf"in {re.escape(where)}(\.nodes)?$", refused.value.message), refused.value.message
    assert "`first`" in refused.value.hint
    assert refused.value.cost == as_extension(cost_of(field), CostLimits(rows - 1, 10**9))


async def test_the_cost_of_all_root_fields_counts_and_the_dearest_is_named():
    cheap = await tree("{ datasets(first: 1) { nodes { id } } }")
    dear = await tree("{ page: observations(filter: {}, during: %s, first: 9000) { edges { cursor } } }" % DURING)
    cost = check_cost([cheap, dear], HUGE)
    assert cost.requested == -(-int(1000 * (cost_of(cheap).cost + cost_of(dear).cost)) // 1000)
    with pytest.raises(TooCostly) as refused:
        check_cost([cheap, dear], CostLimits(10**9, cost.requested - 1))
    assert f"costs up to {cost.requested}" in refused.value.message
    assert "page.edges" in refused.value.message
    assert refused.value.cost is not None
    assert refused.value.cost["requested"] == cost.requested
    assert refused.value.cost["limit"] == cost.requested - 1


DURING = '{start: "2026-01-01T00:00:00Z", end: "2027-01-01T00:00:00Z"}'
FULL_ROW = "phenomenonTime phenomenonEnd result quality datastream { id name unit }"


async def test_if_no_root_field_is_the_dearest_none_is_named():
    fields = [await tree("{ datasets(first: 500) { nodes { id } } }")] * 3
    with pytest.raises(TooCostly, match="in several root fields"):
        check_cost(fields, CostLimits(1_499, 10**6))


async def test_ten_times_the_largest_page_is_within_the_default_limits():
    page = "{ observations(filter: {}, during: %s, first: 10000) { nodes { %s } } }" % (DURING, FULL_ROW)
    fields = [await tree(page)] * 10
    cost = check_cost(fields, CostLimits())
    assert cost.rows == 100_000
    with pytest.raises(TooCostly):
        check_cost([*fields, fields[0]], CostLimits())


async def test_a_rich_catalog_page_is_within_the_default_limits():
    field = await tree("""
        { datasets(first: 1000, filter: {text: "rad"}) { totalCount pageInfo { endCursor } edges { cursor node {
            id title description tier themes keywords publisher { name } bbox { west south east north }
            distributions { title format accessURL licence { code title } }
            datastreams(first: 10) { nodes { id name unit latest { result } thing { id name location { latitude } } } }
        } } } }
    """)
    check_cost([field], CostLimits())


async def test_absurd_pages_are_still_numbers():
    nested = "datastreams(first: 2147483647) { nodes { thing { datastreams(first: 2147483647) { nodes { id } } } } }"
    field = await tree("{ datasets(first: 2147483647) { nodes { %s } } }" % nested)
    with pytest.raises(TooCostly, match=r"up to more than \d+ rows") as refused:
        check_cost([field], CostLimits())
    assert max(refused.value.cost.values()) < 2**53, "a number that JSON can carry"


def test_whole_numbers_are_not_rounded_up():
    assert Cost(0, 20 * LEAF).requested == 1
    assert Cost(0, 0.1 + 0.2).requested == 1
    assert Cost(0, 3.0004).requested == 3
    assert Cost(0, 3.01).requested == 4


leaf = st.sampled_from(["result", "quality", "phenomenonTime"]).map(lambda name: Field(name, name, "Float", {}, {}))


@st.composite
def pages(draw: st.DrawFn, type_name: str = "Observation", depth: int = 2) -> Field:
    def row(name: str, key: str) -> Field:
        children = draw(st.lists(leaf, min_size=1, max_size=3))
        if depth:
            children += draw(st.lists(pages("Datastream", depth - 1), max_size=2))
        return Field(name, key, type_name, {}, {}, tuple(children))

    parts = []
    for number in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            parts.append(row("nodes", f"n{number}"))
        else:
            cursor = (Field("cursor", "cursor", "String", {}, {}),) * draw(st.integers(0, 1))
            parts.append(Field("edges", f"e{number}", f"{type_name}Edge", {}, {}, (*cursor, row("node", "node"))))
    first = draw(st.integers(0, 50))
    name = "observations" if type_name == "Observation" else "datastreams"
    return Field(name, "list", f"{type_name}Connection", {"first": first}, {}, tuple(parts))


def slowly(field: Field, parent: str) -> tuple[int, float]:
    """The rules as they are told: every object that may come is looked at by itself."""
    size = field.arguments.get("first", 1)
    weight = WEIGHTS.get(f"{parent}.{field.name}", WEIGHTS.get(field.type_name, 1.0 if field.children else LEAF))
    rows, cost = 0, float(weight)
    if field.type_name.endswith("Connection"):
        of_rows = 0.0
        for _ in range(size):
            rows += 1
            for part in field.children:
                below = slowly(part, field.type_name)
                rows, of_rows = rows + below[0], of_rows + below[1]
        return rows, cost + max(of_rows, size * WEIGHTS.get(field.type_name.removesuffix("Connection"), 1.0))
    for child in field.children:
        below = slowly(child, field.type_name)
        rows, cost = rows + below[0], cost + below[1]
    return rows, cost


@given(pages(depth=1))
def test_agrees_with_counting_one_by_one(field):
    found = cost_of(field)
    rows, cost = slowly(field, "Query")
    assert found.rows == rows
    assert found.cost == pytest.approx(cost)


@given(pages(), st.integers(0, 50))
def test_more_rows_never_cost_less(field, more):
    longer = field.with_arguments(first=field.arguments["first"] + more)
    assert cost_of(longer).rows >= cost_of(field).rows
    assert cost_of(longer).cost >= cost_of(field).cost


@given(pages())
def test_what_a_home_node_makes_of_a_permitted_question_is_permitted_at_the_owner(field):
    """It asks for cursors and edges; nothing that a caller may ask fails for it."""
    asked = cost_of(field)
    limits = CostLimits(asked.rows, asked.requested)
    check_cost([field], limits)
    check_cost([plan_page(field).owner_field("giessen", None)], limits.for_peers())
