"""The schema publishes what `schema.weights` says, in the form of the specification."""

from __future__ import annotations

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_argument_values,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
    print_ast,
)

from schema.build import build_schema as our_schema
from schema.build import print_sdl
from schema.query import LOCAL
from schema.weights import ASSUMED_SIZES, PAGE_PARTS, WEIGHTS, is_page

SDL = build_schema(print_sdl())
KINDS = [kind for kind in SDL.type_map.values() if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType)]
OURS = [kind for kind in KINDS if not kind.name.startswith("__")]


def directives(schema: GraphQLSchema, node) -> dict[str, dict]:
    return {
        found.name.value: get_argument_values(schema.get_directive(found.name.value), found)
        for found in node.directives or ()
    }


def published(name: str) -> dict[str, dict]:
    """The arguments of directives by coordinate."""
    found = {}
    for kind in OURS:
        parts = {kind.name: kind.ast_node} | {f"{kind.name}.{n}": f.ast_node for n, f in kind.fields.items()}
        for coordinate, node in parts.items():
            if name in (given := directives(SDL, node)):
                found[coordinate] = given[name]
    return found


def test_every_weight_is_published_and_no_other():
    assert {name: float(found["weight"]) for name, found in published("cost").items()} == WEIGHTS


def test_every_assumed_size_is_published_and_no_other():
    sizes = {name: found["assumedSize"] for name, found in published("listSize").items() if "assumedSize" in found}
    assert sizes == ASSUMED_SIZES


def test_what_is_sliced_says_by_what():
    for coordinate, found in published("listSize").items():
        if coordinate in ASSUMED_SIZES:
            continue
        type_name, name = coordinate.split(".")
        field = SDL.type_map[type_name].fields[name]
        assert found["slicingArguments"] == ["first"], coordinate
        assert "first" in field.args, coordinate
        returned = get_named_type(field.type)
        if is_page(returned.name):
            assert set(found["sizedFields"]) == PAGE_PARTS & set(returned.fields) >= {"edges", "nodes"}, coordinate
        else:
            assert "sizedFields" not in found, coordinate


FROM_MEMORY = {  # as long as the federation, or as a table
    "Query.cities",
    "Query.worklist",
    "Query.assessments",
    "Query.agreements",
    "Node.purposes",
    "FederationReport.cities",
    "Explanation.fields",
    "Explanation.owners",
    "FieldExplanation.cities",
    "FieldExplanation.datasets",
    "DatasetExplanation.ways",
    "PolicyWay.rounds",
}
BY_ARGUMENTS = {  # `schema.estimates` reckons them from the interval, the buckets and the ids
    "SeriesResult.series",
    "AggregateResult.groups",
    "AggregateGroup.buckets",
    "AggregateGroup.tooCoarse",
}


@pytest.mark.parametrize("kind", [kind for kind in OURS if is_object_type(kind)], ids=lambda kind: kind.name)
def test_every_list_of_objects_has_a_size(kind):
    """Whoever adds a list says how long it may be."""
    sized = published("listSize")
    for name, field in kind.fields.items():
        coordinate = f"{kind.name}.{name}"
        objects = is_list_type(get_nullable_type(field.type)) and not is_leaf_type(get_named_type(field.type))
        if objects and name not in PAGE_PARTS:
            assert coordinate in sized or coordinate in FROM_MEMORY | BY_ARGUMENTS, (
                f"{coordinate}: add it to schema.weights"
            )
        if is_page(get_named_type(field.type).name):
            assert coordinate in sized


@pytest.mark.parametrize("name", sorted(SDL.query_type.fields))
def test_every_root_field_of_the_gate_has_a_weight(name):
    assert f"Query.{name}" in WEIGHTS or name in LOCAL, "add it to schema.weights"


def test_the_definitions_are_those_of_the_specification():
    cost, sizes = SDL.get_directive("cost"), SDL.get_directive("listSize")
    assert {name: str(argument.type) for name, argument in cost.args.items()} == {"weight": "String!"}
    assert {name: str(argument.type) for name, argument in sizes.args.items()} == {
        "assumedSize": "Int",
        "slicingArguments": "[String!]",
        "sizedFields": "[String!]",
        "requireOneSlicingArgument": "Boolean",
    }
    assert print_ast(sizes.args["requireOneSlicingArgument"].ast_node.default_value) == "true"


def test_the_running_schema_knows_them_too():
    names = {directive.name for directive in our_schema().graphql.directives}
    assert {"cost", "listSize"} <= names


def test_building_it_again_publishes_nothing_twice():
    first = print_sdl()
    assert print_sdl() == first
    assert "@cost" in first
    assert '@cost(weight: "100") @cost' not in first
