"""Whatever stands in an argument: an answer, or an error that is meant for the caller."""

from __future__ import annotations

import random

import pytest

from schema.cursor import Cursor, Position, binding_of, encode
from schema.errors import BadInput, RequestError
from tests.unit.schema.test_selection import tree

HOSTILE = [
    "", " ", "'", '"', "\\", "%", "%s", "%(p0)s", "{t}", "{", "}", ";--", "\x00", "\t\n", "ä" * 150, "(", "!", "&|!():*<->", "-",
    "\U0001f6b2", "\u202e", "null", "1e400", "select 1", "$1", "::int", "a b", "x" * 5000,
]  # fmt: skip
FILTERS = {
    "datasets": ("ids", "themes", "keywords", "publishers", "observedProperties", "text"),
    "things": ("ids", "observedProperties", "text"),
    "datastreams": ("ids", "datasets", "things", "observedProperties", "vehicleClasses"),
}


@pytest.mark.parametrize(("field", "name"), [(field, name) for field, names in FILTERS.items() for name in names])
async def test_hostile_filter_values(store, field, name):
    kind = "String" if name == "text" else ("[ID!]" if name in {"ids", "datasets", "things"} else "[String!]")
    document = "query ($v: %s) { %s(filter: {%s: $v}) { nodes { id } } }" % (kind, field, name)
    for text in HOSTILE:
        try:
            rows = await store.rows(document, v=text if name == "text" else [text, "giessen:dataset:rad"])
        except RequestError as error:
            assert error.hint
        else:
            assert isinstance(rows, list)


async def test_hostile_cursors(store):
    order = "query ($after: String) { datasets(orderBy: %s, after: $after) { nodes { id } } }"
    for name in ("TITLE_ASC", "MODIFIED_DESC"):
        field = await tree(order % name)
        binding = binding_of(field.name, field.arguments)
        for sort in [*HOSTILE, "2026-01-01", "99999-01-01", "-infinity"]:
            for city, key in (("giessen", "x"), ("giessen", sort), ("aaa", "x"), ("zzz", sort), (sort, sort)):
                after = encode(Cursor(binding, Position(sort, city, key)))
                try:
                    await store.rows(order % name, after=after)
                except BadInput as error:
                    assert error.hint


async def test_random_boxes_and_intervals(store):
    chance = random.Random(7)
    draw = lambda: chance.choice([chance.uniform(-400, 400), 0, -180, 180, 1e308, -1e308, 1e-308])
    document = """query ($b: BoundingBoxInput) { datasets(filter: {bbox: $b}) { nodes { id } }
        }"""
    for _ in range(60):
        box = {side: draw() for side in ("west", "south", "east", "north")}
        try:
            await store.rows(document, b=box)
        except BadInput as error:
            assert "bbox" in error.message
