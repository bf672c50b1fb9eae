"""Plans: what an operation selects, worked out once for all requests that send the same document.

What differs from request to request are the variables. Those that `@skip` and `@include` look at choose a variant of
the tree; the others only fill in arguments, so a request costs no more than its arguments. Fields of requests that
differ in nothing but values get an equal `shape`, under which the store keeps its compiled statements.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    specified_scalar_types,
    visit,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from schema.selection import Argument, Collector, Field, as_json

VARIANTS = 16
MAX_ERRORS = 10  # in the variables of one request
_BOOLEAN = specified_scalar_types["Boolean"]
_PLAIN: Mapping[object, type] = {
    specified_scalar_types["ID"]: str,
    specified_scalar_types["String"]: str,
    specified_scalar_types["Int"]: int,
    _BOOLEAN: bool,
}
_NO_VARIABLES = VariableValues({}, {})


@dataclass(frozen=True, slots=True)
class Root:
    """A root field: its response key, its nodes for locations of errors, and how it is filled for a request."""

    key: str
    name: str
    is_nullable: bool
    nodes: tuple[FieldNode, ...]
    template: Template | None  # None: `__typename`


class OperationPlan:
    """One operation of a checked document.

    `is_remembered`: the document will be found again. Else its fields have no `shape`: what is kept under one would
    never serve again, and keep the whole document in memory.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        *,
        is_remembered: bool = True,
    ) -> None:
        self._schema = schema
        self.operation = operation
        self.is_remembered = is_remembered
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._deciding = tuple(sorted(_deciding_variables(document)))
        self._variants: OrderedDict[tuple[object, ...], tuple[Root, ...]] = OrderedDict()
        self._signatures = [get_variable_signature(schema, node) for node in operation.variable_definitions or ()]

    def variables(self, inputs: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """The variables of one request, or what is wrong with them."""
        if not self._signatures:
            return _NO_VARIABLES
        return self._simple_variables(inputs) or get_variable_values(
            self._schema, self.operation.variable_definitions or (), dict(inputs), max_errors=MAX_ERRORS
        )

    def _simple_variables(self, inputs: Mapping[str, Any]) -> VariableValues | None:
        """Plain scalars that are given need no coercion; None if there is anything else."""
        values = VariableValues({}, {})
        for signature in self._signatures:
            if isinstance(signature, GraphQLError):
                return None
            value = inputs.get(signature.name)
            kind = _PLAIN.get(get_nullable_type(signature.type))
            if type(value) is not kind or (isinstance(value, int) and not -(2**31) <= value < 2**31):
                return None
            values.sources[signature.name] = VariableValueSource(signature, value)
            values.coerced[signature.name] = value
        return values

    def roots(self, variables: VariableValues) -> tuple[Root, ...]:
        """The root fields in order, as `@skip` and `@include` have it with these variables."""
        choice = tuple(variables.coerced.get(name) for name in self._deciding)
        roots = self._variants.get(choice)
        if roots is None:
            roots = self._variants[choice] = tuple(self._plan(variables))
            if len(self._variants) > VARIANTS:
                self._variants.popitem(last=False)
        return roots

    def _plan(self, variables: VariableValues) -> Iterator[Root]:
        query = self._schema.get_root_type(self.operation.operation)
        assert query is not None
        collector = _Planner(self._schema, self.fragments, variables)
        for key, nodes in collector.roots(query, self.operation.selection_set.selections).items():
            name = nodes[0].name.value
            definition = query.fields.get(name)
            if definition is None:  # __typename, __schema, __type
                yield Root(key, name, is_nullable=False, nodes=tuple(nodes), template=None)
                continue
            planned = collector.field(definition, key, nodes)
            template = Template(planned, _spine(planned, collector.filled) or _Spine(), self.is_remembered)
            yield Root(key, name, not is_non_null_type(definition.type), tuple(nodes), template)


class _Filled:
    """A field whose arguments contain variables.

    Where each of them is a variable as a whole, and given, nothing is left to coerce: that takes a tenth of the time of
    the general way, which the first request and all other cases take.
    """

    __slots__ = ("_constants", "_definition", "_direct", "_node", "types")

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        self._definition = definition
        self._node = node
        self._direct = _direct_variables(node)
        self._constants: Mapping[str, Argument] | None = None
        self.types = {name: argument.type for name, argument in definition.args.items()}

    def arguments(self, collector: Collector) -> Mapping[str, Argument]:
        """The arguments of one request, in the order of the schema."""
        if self._direct is not None and self._constants is not None:
            found = self._substituted(collector.variables.coerced, self._direct, self._constants)
            if found is not None:
                return found
        arguments = collector.arguments(self._definition, self._node)
        if self._direct is not None and self._constants is None:
            self._constants = {name: value for name, value in arguments.items() if name not in self._direct}
        return arguments

    def _substituted(
        self, coerced: Mapping[str, Any], direct: Mapping[str, str], constants: Mapping[str, Argument]
    ) -> Mapping[str, Argument] | None:
        found = {}
        for name in self._definition.args:
            if name in direct:
                value = coerced.get(direct[name])
                if value is None:
                    return None
                found[name] = as_json(value)
            elif name in constants:
                found[name] = constants[name]
        return found


def _direct_variables(node: FieldNode) -> Mapping[str, str] | None:
    """Arguments that are a variable as a whole; None if a variable stands inside a list or an object."""
    found = {}
    for argument in node.arguments or ():
        if isinstance(argument.value, VariableNode):
            found[argument.name.value] = argument.value.name.value
        elif _mentions_variable(argument):
            return None
    return found


@dataclass(frozen=True, slots=True)
class _Planner(Collector):
    """Collects fields; arguments with variables are left for each request to fill."""

    filled: dict[int, _Filled] = field(default_factory=dict)

    def field(self, definition: GraphQLField, key: str, nodes: Any) -> Field:
        """Remember the field if it has arguments to be filled."""
        found = Collector.field(self, definition, key, nodes)
        if _has_variable(nodes[0]):
            self.filled[id(found)] = _Filled(definition, nodes[0])
        return found

    def arguments(self, definition: GraphQLField, node: FieldNode) -> Mapping[str, Argument]:
        """Constant arguments only."""
        return {} if _has_variable(node) else Collector.arguments(self, definition, node)


@dataclass(frozen=True, slots=True)
class _Spine:
    """The part of a tree that differs between requests: fields to be filled, and the way to them."""

    filled: _Filled | None = None
    children: Mapping[int, _Spine] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A root field without the values of variables."""

    planned: Field
    spine: _Spine
    is_remembered: bool

    def fill(self, collector: Collector) -> Field:
        """The root field of one request."""
        forms: list[Hashable] = []
        filled = _fill(self.planned, self.spine, collector, forms)
        return Field(
            filled.name,
            filled.key,
            filled.type_name,
            filled.arguments,
            filled.argument_types,
            filled.children,
            (self, *forms) if self.is_remembered else None,
        )


def _fill(planned: Field, spine: _Spine, collector: Collector, forms: list[Hashable]) -> Field:
    arguments = planned.arguments
    if spine.filled is not None:
        types = spine.filled.types
        arguments = spine.filled.arguments(collector)
        forms.append(tuple((name, _form(value, types[name])) for name, value in arguments.items()))
    children = planned.children
    if spine.children:
        below = spine.children
        children = tuple(
            _fill(child, below[index], collector, forms) if index in below else child
            for index, child in enumerate(children)
        )
    return Field(planned.name, planned.key, planned.type_name, arguments, planned.argument_types, children)


def _form(value: Argument, type_: GraphQLInputType) -> Hashable:
    """What of an argument may change a statement: which keys are given, enums and booleans; not other values."""
    nullable = get_nullable_type(type_)
    if is_input_object_type(nullable):
        return tuple((name, _form(part, nullable.fields[name].type)) for name, part in value.items())
    if is_list_type(nullable):
        inner = get_nullable_type(nullable.of_type)
        return (
            tuple(_form(item, inner) for item in value) if is_enum_type(inner) or is_input_object_type(inner) else None
        )
    return value if is_enum_type(nullable) or nullable is _BOOLEAN else None


def _spine(planned: Field, filled: Mapping[int, _Filled]) -> _Spine | None:
    below = {index: spine for index, child in enumerate(planned.children) if (spine := _spine(child, filled))}
    own = filled.get(id(planned))
    return _Spine(own, below) if own or below else None


def _has_variable(node: FieldNode) -> bool:
    return any(_mentions_variable(argument) for argument in node.arguments or ())


def _mentions_variable(node: Node) -> bool:
    finder = _VariableFinder()
    visit(node, finder)
    return bool(finder.names)


class _VariableFinder(Visitor):
    """Collects the names of variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)


def _deciding_variables(document: DocumentNode) -> set[str]:
    """Variables that stand in directives."""

    class Finder(Visitor):
        def __init__(self) -> None:
            super().__init__()
            self.names: set[str] = set()

        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            inner = _VariableFinder()
            visit(node, inner)
            self.names |= inner.names

    finder = Finder()
    visit(document, finder)
    return finder.names
