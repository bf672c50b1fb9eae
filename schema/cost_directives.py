"""Publish the weights in the schema as directives: `@cost` and `@listSize` (GraphQL Cost Directives, draft of 2021).

They are put on the fields and types once the schema is built, so the types say what there is and `schema.weights` says
what it weighs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import GraphQLSchema, get_named_type, is_input_object_type, is_object_type
from strawberry.schema_directive import Location
from strawberry.types.unset import UNSET

from schema.weights import ASSUMED_SIZES, LEAF, OBJECT, PAGE_PARTS, WEIGHTS, is_page

_DEFINITION = "strawberry-definition"  # where Strawberry keeps its own definition in graphql-core's


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    description="What a field costs for each object that it gives, or an input if it is given to a root field. 1 is"
    f" looking up one object by its key. Without it an object costs {OBJECT:g} and a value {LEAF:g}. What an operation"
    " may cost at most is in `node { limits { cost } }`, what it was reckoned at in `extensions.cost`.",
)
class Cost:
    """The weight as a decimal number in a string, as the specification has it."""

    weight: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="How long a list may be: as the one slicing argument says, in the sized fields if there are any, or as"
    " long as assumed.",
)
class ListSize:
    """One slicing argument is required as in the specification; ours has a default, so it may be left out."""

    assumed_size: int | None = UNSET
    slicing_arguments: list[str] | None = UNSET
    sized_fields: list[str] | None = UNSET
    require_one_slicing_argument: bool | None = True


COST_DIRECTIVES: tuple[type, ...] = (Cost, ListSize)


def publish_costs(schema: GraphQLSchema) -> None:
    """Put the directives on the definitions of a Strawberry schema. Doing it again changes nothing."""
    for type_name, kind in schema.type_map.items():
        if not (is_object_type(kind) or is_input_object_type(kind)) or _DEFINITION not in kind.extensions:
            continue
        _publish(kind.extensions[_DEFINITION], _weight(type_name))
        for name, field in kind.fields.items():
            coordinate = f"{type_name}.{name}"
            found = _weight(coordinate)
            if is_object_type(kind):
                found = [*found, *_list_size(coordinate, field)]
            _publish(field.extensions[_DEFINITION], found)


def _weight(coordinate: str) -> list[object]:
    weight = WEIGHTS.get(coordinate)
    return [] if weight is None else [Cost(weight=f"{weight:g}")]


def _list_size(coordinate: str, field: Any) -> Iterator[ListSize]:
    if coordinate in ASSUMED_SIZES:
        yield ListSize(assumed_size=ASSUMED_SIZES[coordinate], require_one_slicing_argument=UNSET)
    elif "first" in field.args:
        returned = get_named_type(field.type)
        parts = sorted(PAGE_PARTS & set(returned.fields)) if is_page(returned.name) else UNSET
        yield ListSize(slicing_arguments=["first"], sized_fields=parts, require_one_slicing_argument=UNSET)


def _publish(definition: Any, directives: list[Any]) -> None:
    kept = [one for one in definition.directives or () if not isinstance(one, COST_DIRECTIVES)]
    definition.directives = [*kept, *directives]
