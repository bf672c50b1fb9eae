"""Generate documents by walking the schema: everything that GraphQL's grammar has for queries, always valid.

In one document a response key of a type always means the same field with the same arguments, so selections can be
merged wherever they meet.
"""

from __future__ import annotations

import json
import random
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    specified_scalar_types,
)
from hypothesis import strategies as st

from tests.oracle.resolvers import LEFT_OUT
from tests.oracle.values import Values
from tests.oracle.world import World

ALIASES = ("a", "b", "id", "name", "title", "nodes", "city", "_", "__x", "A")
DEPTH = 9
SELECTIONS = 25  # below one root field
CHOICES = 800
OMITTED = object()


@dataclass
class Variable:
    """A variable, and what kind of value it holds: the place of its argument, and the type there."""

    type_text: str
    value: Any
    default: str | None = None
    place: tuple[str, str] | None = None
    type: Any = None


@dataclass
class Case:
    """A document with its variables. `cursors` are the variables that stand for an `after`, all null."""

    document: str
    variables: dict[str, Any]
    operation_name: str | None
    cursors: tuple[str, ...]
    declared: dict[str, Variable] = field(default_factory=dict, repr=False)


@dataclass
class _Writer:
    schema: GraphQLSchema
    values: Values
    left: int = SELECTIONS
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    fragments: dict[str, tuple[str, str]] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    cursors: list[str] = field(default_factory=list)
    left_out: Container[tuple[str, str]] = field(default_factory=lambda: LEFT_OUT)
    flags: list[str] = field(default_factory=list)

    def case(self) -> Case:
        pick, chance = self.values.pick, self.values.chance
        body = self.selection(self.schema.query_type, DEPTH)
        name = pick(("", "Q", "query"))
        operations = [f"query {name}{self._declarations()} {body}"]
        asked: str | None = pick((name or None, None))
        if chance(10):
            name = name or "Q"
            operations = [f"query {name}{self._declarations()} {body}", "query Other { __typename }"]
            asked = pick((name, "Other"))
            if chance(50):
                operations.reverse()
        if name == "" and not self.variables and chance(30):
            operations = [body]
        parts = [*operations, *(f"fragment {name} on {on} {text}" for name, (on, text) in self.fragments.items())]
        if chance(30):
            parts.reverse()
        used = asked != "Other"
        declared = self.variables if used else {}
        values = {name: one.value for name, one in declared.items() if one.value is not OMITTED}
        return Case("\n".join(parts), values, asked, tuple(self.cursors) if used else (), declared)

    def selection(self, parent: GraphQLObjectType, depth: int) -> str:
        """`{ … }` with at least one field that is written out."""
        is_root = parent == self.schema.query_type
        parts = [self._field(parent, depth)]
        for _ in range(self.values.pick((0, 1, 1, 2, 3, 4, 5))):
            if is_root:
                self.left = SELECTIONS
            elif self.left <= 0:
                break
            parts.append(self._part(parent, depth))
        return f"{{ {' '.join(parts)} }}"

    def _part(self, parent: GraphQLObjectType, depth: int) -> str:
        match self.values.pick(("field", "field", "field", "inline", "spread", "typename")):
            case "inline" if depth > 1:
                condition = self.values.pick(("", f"on {parent.name} "))
                return f"... {condition}{self._directives()}{self.selection(parent, depth - 1)}"
            case "spread" if depth > 1:
                return f"...{self._fragment(parent, depth - 1)} {self._directives()}"
            case "typename":
                key = self._key(parent, "__typename")
                self.keys[parent.name, key] = ("__typename", "")
                return f"{_aliased(key, '__typename')} {self._directives()}"
        return self._field(parent, depth)

    def _fragment(self, parent: GraphQLObjectType, depth: int) -> str:
        known = [name for name, (on, _) in self.fragments.items() if on == parent.name]
        if known and self.values.chance(60):
            return self.values.pick(known)
        text = self.selection(parent, depth)  # written before it is known, so no fragment is part of itself
        name = f"{self.values.pick(('F', 'More', 'on_'))}{len(self.fragments)}"
        self.fragments[name] = (parent.name, text)
        return name

    def _field(self, parent: GraphQLObjectType, depth: int) -> str:
        self.left -= 1
        name = self.values.pick(self._fields(parent, depth))
        if name.startswith("__"):
            return _INTROSPECTION[name]
        definition = parent.fields[name]
        returned = get_named_type(definition.type)
        key = self._key(parent, name)
        if (parent.name, key) not in self.keys:
            self.keys[parent.name, key] = (name, self._arguments(f"{parent.name}.{name}", definition))
        arguments = self.keys[parent.name, key][1]
        below = "" if is_leaf_type(returned) else f" {self.selection(returned, depth - 1)}"
        return f"{_aliased(key, name)}{arguments} {self._directives()}{below}"

    def _fields(self, parent: GraphQLObjectType, depth: int) -> Sequence[str]:
        """The fields to choose from: leaves first, and nothing else when the document gets too long or too deep."""
        names = [name for name in parent.fields if (parent.name, name) not in self.left_out]
        if parent == self.schema.query_type:
            return [
                *names,
                *[name for name in names if name.endswith("s") and name not in _LOCAL] * 8,
                "__schema",
                "__type",
            ]
        leaves = [name for name in names if is_leaf_type(get_named_type(parent.fields[name].type))]
        if leaves and (depth <= 2 or self.left <= 0):
            return leaves
        branches = [name for name in names if name not in leaves]
        weight = 1 + len(leaves) // max(1, len(branches))
        return [*(name for name in branches if name in _ROWS), *leaves, *branches * weight]

    def _key(self, parent: GraphQLObjectType, name: str) -> str:
        """A response key that means this field, or nothing yet."""
        wanted = [self.values.pick(ALIASES)] if self.values.chance(25) else [name]
        for key in (*wanted, f"k{len(self.keys)}"):
            if self.keys.get((parent.name, key), (name, ""))[0] == name:
                return key
        raise AssertionError(name)

    def _directives(self) -> str:
        if not self.values.chance(12):
            return ""
        chosen = self.values.pick((["skip"], ["include"], ["skip", "include"], ["include", "skip"]))
        return "".join(f"@{name}(if: {self._flag(name == 'include')}) " for name in chosen)

    def _flag(self, likely: bool) -> str:
        value = likely if self.values.chance(60) else not likely
        match self.values.pick(("literal", "new", "known")):
            case "known" if self.flags:
                return f"${self.values.pick(self.flags)}"
            case "literal":
                return json.dumps(value)
        name = self._variable(Variable("Boolean!", value, place=("Directive", "if"), type=_FLAG))
        self.flags.append(name)
        return f"${name}"

    def _arguments(self, place: str, definition: GraphQLField) -> str:
        parts, given = [], {}
        for name, argument in definition.args.items():
            if name == "after":
                parts += self._after(place, argument)
            elif is_required_argument(argument) or self.values.chance(_OFTEN.get(name, 35)):
                given[name] = value = self.values.of((place, name), argument.type, given)
                parts.append(f"{name}: {self._literal((place, name), argument.type, value)}")
        return f"({', '.join(parts)})" if parts else ""

    def _after(self, place: str, argument: GraphQLArgument) -> list[str]:
        if self.values.chance(70):
            return []
        value = self.values.of((place, "after"), argument.type)
        if value is not None:
            return [f"after: {json.dumps(value)}"]
        name = self._variable(Variable("String", None))
        self.cursors.append(name)
        return [f"after: ${name}"]

    def _literal(self, place: tuple[str, str], type_: Any, value: Any) -> str:
        """The value as GraphQL text; now and then, a variable in its place."""
        if self.values.chance(20 if place[0].endswith("Filter") else 40):
            return f"${self._variable(self._holding(place, type_, value))}"
        return self._written(place, type_, value)

    def _written(self, place: tuple[str, str], type_: Any, value: Any, *, constant: bool = False) -> str:
        literal = self._constant if constant else self._literal
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if value is None:
            return "null"
        if isinstance(type_, GraphQLEnumType):
            return str(value)
        if isinstance(type_, GraphQLList):
            if len(value) == 1 and value[0] is not None and self.values.chance(20):
                return self._constant(place, type_.of_type, value[0])  # one value stands for a list of one
            return f"[{', '.join(literal(place, type_.of_type, one) for one in value)}]"
        if isinstance(type_, GraphQLInputObjectType):
            parts = (
                f"{name}: {literal((type_.name, name), type_.fields[name].type, one)}" for name, one in value.items()
            )
            return f"{{{', '.join(parts)}}}"
        return json.dumps(value, ensure_ascii=self.values.chance(50))

    def _constant(self, place: tuple[str, str], type_: Any, value: Any) -> str:
        return self._written(place, type_, value, constant=True)

    def _holding(self, place: tuple[str, str], type_: Any, value: Any) -> Variable:
        """A variable that holds the value, or has it as its default."""
        text = str(type_)
        match self.values.pick(("given", "given", "default", "overruled")):
            case "default" if value is not None:
                default = self._constant(place, type_, value)
                return Variable(text.removesuffix("!"), OMITTED, default, place, type_)
            case "overruled" if value is not None:
                return Variable(text, value, self._constant(place, type_, value), place, type_)
        return Variable(text, value, None, place, type_)

    def _variable(self, variable: Variable) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = variable
        return name

    def _declarations(self) -> str:
        parts = [
            f"${name}: {one.type_text}{f' = {one.default}' if one.default is not None else ''}"
            for name, one in self.variables.items()
        ]
        return f" ({', '.join(parts)})" if parts else ""


def _aliased(key: str, name: str) -> str:
    return name if key == name else f"{key}: {name}"


_FLAG = GraphQLNonNull(specified_scalar_types["Boolean"])
_OFTEN = {"orderBy": 50, "cities": 15, "require": 15, "deadlineMs": 0}  # how often an argument is given, in percent
_LOCAL = ("node", "cities")
_ROWS = ("edges", "nodes", "node")
_INTROSPECTION = {
    "__schema": "__schema { queryType { name } }",
    "__type": '__type(name: "Dataset") { kind fields { name } }',
}


@st.composite
def choices(draw: st.DrawFn) -> Iterator[int]:
    """Numbers to choose by; those that are zero or left over choose what is simplest.

    They come from a seed, and hypothesis draws only which of them count, so that it can take away what a failure does
    not need. If it drew the numbers it would prefer ends of ranges and repeat itself, and few questions had an answer.
    """
    counting = draw(st.binary(min_size=CHOICES, max_size=CHOICES))
    seeded = random.Random(draw(st.integers(0, 2**32)))
    return iter([seeded.getrandbits(16) * bool(counts) for counts in counting])


def cases(schema: GraphQLSchema, world: World) -> st.SearchStrategy[Case]:
    """Valid documents about this world."""
    return choices().map(lambda chosen: _Writer(schema, Values(chosen, world)).case())


def written(schema: GraphQLSchema, values: Values, left_out: Container[tuple[str, str]]) -> Case:
    """A valid document with these values, without the fields that are left out (type, field)."""
    return _Writer(schema, values, left_out=left_out).case()


def other_variables(case: Case, world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Other values for some of the case's variables: the same document is known by now."""
    return choices().map(lambda chosen: changed(case, Values(chosen, world)))


def changed(case: Case, values: Values) -> dict[str, Any]:
    """Other values for some of the case's variables."""
    chosen = dict(case.variables)
    for name, variable in case.declared.items():
        if variable.place is None or not values.chance(60):
            continue
        if not variable.type_text.endswith("!") and values.chance(15):
            chosen.pop(name, None)
        else:
            chosen[name] = values.of(variable.place, variable.type)
    return chosen
