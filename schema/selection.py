"""The selection tree: what one root field asks for, with everything of GraphQL's syntax resolved.

Aliases, fragments, `@skip` and `@include`, variables and defaults are gone; what remains is a tree of fields with
response keys and plain JSON arguments. The store compiles it to SQL, the federation prints it for owners.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from math import isfinite
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    get_named_type,
    is_object_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

from schema.errors import BadInput

TYPENAME = "__typename"
MAX_KEY_LENGTH = 63  # PostgreSQL's limit for a column name; longer ones would be cut and could collide

Argument = Any  # a JSON value: None, bool, int, float, str, list or dict


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the answer. `type_name` is the named type that it returns, `argument_types` GraphQL type texts.

    Root fields with equal `shape` differ in values of arguments only: what is compiled for one serves the other.
    """

    name: str
    key: str
    type_name: str
    arguments: Mapping[str, Argument]
    argument_types: Mapping[str, str]
    children: tuple[Field, ...] = ()
    shape: Hashable = field(default=None, compare=False)

    def child(self, name: str) -> Field | None:
        """The first child with this field name."""
        return next(self.children_named(name), None)

    def children_named(self, name: str) -> Iterator[Field]:
        """All children with this field name: aliases can ask for a field several times."""
        return (child for child in self.children if child.name == name)

    def with_arguments(self, **arguments: Argument) -> Field:
        """A copy with some arguments replaced; None takes one away."""
        merged = {**self.arguments, **arguments}
        return replace(self, arguments={name: value for name, value in merged.items() if value is not None}, shape=None)


@dataclass(frozen=True, slots=True)
class Collector:
    """Turns nodes of a document into fields."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    def field(self, definition: GraphQLField, key: str, nodes: Sequence[FieldNode]) -> Field:
        """One field with everything below it."""
        returned = get_named_type(definition.type)
        if len(key) > MAX_KEY_LENGTH:
            raise BadInput(f"alias {key[:20]}…: is longer than {MAX_KEY_LENGTH} letters", hint="use a shorter alias")
        return Field(
            name=nodes[0].name.value,
            key=key,
            type_name=returned.name,
            arguments=self.arguments(definition, nodes[0]),
            argument_types={name: str(argument.type) for name, argument in definition.args.items()},
            children=tuple(self.children(returned, nodes)) if is_object_type(returned) else (),
        )

    def arguments(self, definition: GraphQLField, node: FieldNode) -> Mapping[str, Argument]:
        """The arguments of a field, with defaults; those that are null are left out."""
        values = get_argument_values(definition, node, self.variables) if definition.args else {}
        return {name: as_json(value) for name, value in values.items() if value is not None}

    def roots(self, parent: GraphQLObjectType, selections: Sequence[Any]) -> dict[str, list[FieldNode]]:
        """The nodes of each root field by response key, in order."""
        groups: dict[str, list[FieldNode]] = {}
        self.collect(parent, selections, groups, set())
        return groups

    def children(self, parent: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Iterator[Field]:
        """The fields that the nodes of one field select, merged by response key."""
        groups: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                self.collect(parent, node.selection_set.selections, groups, visited)
        for key, group in groups.items():
            name = group[0].name.value
            if name == TYPENAME:
                yield Field(name, key, parent.name, {}, {})
            else:
                yield self.field(parent.fields[name], key, group)

    def collect(
        self,
        parent: GraphQLObjectType,
        selections: Sequence[Any],
        groups: dict[str, list[FieldNode]],
        visited: set[str],
    ) -> None:
        """Group the nodes by response key (GraphQL specification, 6.3.2)."""
        for node in selections:
            if not self.included(node):
                continue
            if isinstance(node, FieldNode):
                groups.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self.applies(node.type_condition.name.value, parent):
                    self.collect(parent, node.selection_set.selections, groups, visited)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self.applies(fragment.type_condition.name.value, parent):
                    self.collect(parent, fragment.selection_set.selections, groups, visited)

    def included(self, node: Any) -> bool:
        """What `@skip` and `@include` say."""
        directives: Sequence[DirectiveNode] = node.directives or ()
        if not directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def applies(self, condition: str, parent: GraphQLObjectType) -> bool:
        """Whether a type condition holds for an object type."""
        if condition == parent.name:
            return True
        return any(interface.name == condition for interface in parent.interfaces)


def select(info: Any) -> Field:
    """Turn the resolve info of a root field (graphql-core's) into its selection tree."""
    collector = Collector(info.schema, info.fragments, VariableValues({}, info.variable_values))
    definition = info.parent_type.fields[info.field_name]
    return collector.field(definition, str(info.path.key), info.field_nodes)


def as_json(value: Any) -> Argument:
    """A coerced argument as the JSON value that a client would send for it. Raises BadInput if JSON has none."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, float) and not isfinite(value):  # 1e400 in a document; other cities would be sent null
        raise BadInput("a number is larger than a float can be", hint="write a number below 1.8e308, or none")
    return value
