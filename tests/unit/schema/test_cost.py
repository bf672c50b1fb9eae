"""What a selection may bring is known before anything runs."""

from __future__ import annotations

import pytest

from schema.cost import check_cost, rows_asked, values_asked
from schema.errors import TooCostly
from tests.unit.schema.test_selection import tree


@pytest.mark.parametrize(
    ("document", "rows", "values"),
    [
        ("{ datasets(first: 10) { nodes { id title } } }", 10, 20),
        ("{ datasets(first: 10) { a: nodes { id } b: nodes { id } pageInfo { endCursor } } }", 10, 30),
        ("{ datasets(first: 10) { nodes { id datastreams(first: 5) { nodes { id name } } } } }", 60, 110),
        ("{ datasets { edges { cursor node { id publisher { name } } } } }", 20, 60),
        ('{ dataset(id: "giessen:dataset:x") { id title } }', 0, 2),
        ("{ datasets(first: 0) { nodes { id } } }", 0, 0),
    ],
)
async def test_rows_and_values(document, rows, values):
    field = await tree(document)
    assert (rows_asked(field), values_asked(field)) == (rows, values)


async def test_aliases_are_not_free():
    columns = " ".join(f"a{i}: nodes {{ id }}" for i in range(50))
    field = await tree("{ datasets(first: 1000) { %s } }" % columns)
    check_cost(field, rows=1000, values=50_000)
    with pytest.raises(TooCostly, match=r"50000 values.*limit is 49999"):
        check_cost(field, rows=1000, values=49_999)
    with pytest.raises(TooCostly, match=r"1000 rows.*limit is 999"):
        check_cost(field, rows=999, values=50_000)
