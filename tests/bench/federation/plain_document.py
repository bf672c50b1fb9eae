"""What a gateway asks a plain service, worked out once for each document: an SQL statement, and how to answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    validate,
    value_from_ast_untyped,
)

ARGUMENTS = ("datastream", "start", "end", "first")
COLUMNS = {"phenomenonTime": "phenomenon_time", "result": "result", "quality": "quality", "__typename": "'Observation'"}
STATEMENT = """
select coalesce(json_agg(o), '[]')::text
  from (select %s from observation
         where datastream_id = $1 and phenomenon_time >= $2 and phenomenon_time < $3
         order by phenomenon_time desc limit $4) o
"""


class NotUnderstood(Exception):
    """The document is not one that this service answers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The statement, where its parameters come from, and what goes before and behind its JSON."""

    statement: str
    parameters: tuple[Callable[[Mapping[str, Any]], Any], ...]
    before: bytes
    behind: bytes = b"}}"

    def bind(self, variables: Mapping[str, Any]) -> list[bytes]:
        """The parameters as PostgreSQL reads them."""
        return [str(of(variables)).encode() for of in self.parameters]


def plan(schema: GraphQLSchema, text: str) -> Plan:
    """Plan a document with one operation, which has one root field.

    Raises:
        NotUnderstood: it is not valid, or something else.
    """
    document = parse(text)
    if errors := validate(schema, document):
        raise NotUnderstood(errors[0].message)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    roots = _fields(operations[0].selection_set, fragments) if len(operations) == 1 else []
    if [root.name.value for root in roots] != ["observations"]:
        raise NotUnderstood("one operation with the field observations is answered here")
    root = roots[0]
    given = {argument.name.value: argument.value for argument in root.arguments}
    assert root.selection_set is not None  # it is valid
    columns = ", ".join(
        f'{COLUMNS[field.name.value]} as "{_key(field)}"' for field in _fields(root.selection_set, fragments)
    )
    return Plan(
        STATEMENT % columns,
        tuple(_source(given[name]) for name in ARGUMENTS),
        f'{{"data":{{"{_key(root)}":'.encode(),
    )


def _fields(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> list[FieldNode]:
    """The fields with fragments spread, each response key once."""
    found: dict[str, FieldNode] = {}
    for one in selections.selections:
        if isinstance(one, FieldNode):
            found[_key(one)] = one
            continue
        inner = one if hasattr(one, "selection_set") else fragments[one.name.value]
        found |= {_key(field): field for field in _fields(inner.selection_set, fragments)}
    return list(found.values())


def _key(field: FieldNode) -> str:
    return (field.alias or field.name).value


def _source(node: Any) -> Callable[[Mapping[str, Any]], Any]:
    if isinstance(node, VariableNode):
        name = node.name.value
        return lambda variables: variables[name]
    value = value_from_ast_untyped(node)
    return lambda _variables: value
