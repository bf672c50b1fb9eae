"""What is printed for an owner means the same as what the caller asked."""

from __future__ import annotations

from graphql import parse, validate

from schema.document import print_document, variables_of
from tests.unit.schema.test_selection import SCHEMA, shape, tree


async def test_the_printed_document_gives_the_same_tree():
    field = await tree("""
        { datasets(cities: ["giessen"], filter: {text: "\\"Rad\\" \\n", tiers: [OPEN]}, first: 3) {
            n: nodes { id d: datastreams(first: 2, orderBy: NAME_DESC) { nodes { latest { result } } } }
            edges { cursor node { title } } } }
    """)
    printed = print_document([field])
    assert not validate(SCHEMA.graphql, parse(printed.text))
    again = await tree(printed.text, **printed.variables)
    assert shape(again) == shape(field)
    assert again.arguments == field.arguments


async def test_the_text_depends_on_the_shape_alone():
    one = await tree('{ dataset(id: "giessen:dataset:a") { id } }')
    other = await tree('{ dataset(id: "fulda:dataset:b") { id } }')
    assert print_document([one]).text == print_document([other]).text


async def test_variables_are_found_without_printing():
    field = await tree("""{ things(cities: ["giessen"], first: 3) { nodes {
        a: datastreams(first: 2) { nodes { observations(first: 1) { nodes { result } } } } b: datastreams(first: 4) { nodes { id } }
    } } }""")
    assert list(variables_of(field).items()) == list(print_document([field]).variables.items())
