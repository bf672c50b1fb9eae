"""Ask an owner whose schema is another version for what it knows, and read its answer as if it knew all. Pure.

A field that the owner does not know is not asked for and comes back as null; where null may not stand, the nearest
field above it that may be null is. An argument, an input field or an enum value that it does not know would change what
is meant, so the field that has it is not asked for either. If that takes the root field, nothing useful is left.

The same serves objects of which nothing is selected after `@skip`: GraphQL has no way to ask for them, so their type
name is asked for instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import orjson
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.execution.values import get_argument_values

from federation.errors import PeerIncompatible
from federation.question import plain
from schema.cursor import binding_of, bound_to
from schema.selection import TYPENAME, Argument, Field, as_json

PLACEHOLDER = "_"
TOLD = 5  # paths of the report


class _Unknown(Exception):
    """The owner can't be asked for something that may not be null."""


@dataclass(frozen=True, slots=True)
class _Object:
    """How an object of the answer is made whole: by response key, None for null, True for what is there."""

    members: Mapping[str, _Object | bool | None]

    def whole(self, value: Any) -> Any:
        """The value with nulls for what was not asked for, and without what was asked in its place."""
        if isinstance(value, list):
            return [self.whole(one) for one in value]
        if value is None:
            return None
        return {
            key: how.whole(value[key]) if isinstance(how, _Object) else value[key] if how else None
            for key, how in self.members.items()
        }


@dataclass(frozen=True, slots=True)
class Adapted:
    """What an owner is asked, and what of the question it does not know. `is_same`: all of it, as it stands."""

    asked: Field
    unknown: Sequence[str]
    is_same: bool
    _made_of: _Object

    def whole(self, answer: msgspec.Raw) -> msgspec.Raw:
        """The owner's answer as if it knew all."""
        return answer if self.is_same else msgspec.Raw(orjson.dumps(self._made_of.whole(orjson.loads(bytes(answer)))))

    @property
    def reason(self) -> str | None:
        """For the report."""
        if not self.unknown:
            return None
        others = len(self.unknown) - TOLD
        more = f" and {others} more" if others > 0 else ""
        return f"its schema is another version, which has no {', '.join(self.unknown[:TOLD])}{more}"


@dataclass(slots=True)
class _Adapter:
    ours: GraphQLSchema
    theirs: GraphQLSchema
    unknown: list[str] = field(default_factory=list)
    is_same: bool = True

    def root(self, asked: Field) -> tuple[Field, _Object]:
        ours, theirs = self.ours.query_type, self.theirs.query_type
        assert ours is not None
        if theirs is None:
            raise _Unknown("queries")
        adapted, made_of = self.field(asked, asked.name, ours.fields[asked.name], theirs.fields.get(asked.name))
        assert isinstance(made_of, _Object)
        return adapted, made_of

    def field(
        self, asked: Field, path: str, ours: GraphQLField, theirs: GraphQLField | None
    ) -> tuple[Field, _Object | bool]:
        if theirs is None or _form(ours.type) != _form(theirs.type):
            raise _Unknown(path)
        arguments = dict(_arguments(asked, path, ours, theirs))
        types = {name: str(theirs.args[name].type) for name in arguments}
        changed = replace(asked, arguments=arguments, argument_types=types)
        declared, found = get_named_type(ours.type), get_named_type(theirs.type)
        if not isinstance(declared, GraphQLObjectType):
            return changed, True
        if not isinstance(found, GraphQLObjectType):
            raise _Unknown(path)
        children, made_of = self.children(asked, path, declared, found)
        return replace(changed, children=children), made_of

    def children(
        self, asked: Field, path: str, ours: GraphQLObjectType, theirs: GraphQLObjectType
    ) -> tuple[tuple[Field, ...], _Object]:
        kept: list[Field] = []
        members: dict[str, _Object | bool | None] = {}
        for child in asked.children:
            if child.name == TYPENAME:
                kept.append(child)
                members[child.key] = True
                continue
            definition = ours.fields[child.name]
            try:
                adapted, members[child.key] = self.field(
                    child, f"{path}.{child.name}", definition, theirs.fields.get(child.name)
                )
                kept.append(adapted)
            except _Unknown as error:
                if isinstance(definition.type, GraphQLNonNull):
                    raise
                self.unknown.append(str(error))
                self.is_same = False
                members[child.key] = None
        if not kept:
            self.is_same = False
            kept.append(plain(TYPENAME, PLACEHOLDER, ours.name))
        return tuple(kept), _Object(members)


def adapt(asked: Field, ours: GraphQLSchema, theirs: GraphQLSchema) -> Adapted:
    """The question for an owner with the schema `theirs`; `asked` is one in ours.

    Raises:
        PeerIncompatible: nothing useful would be left.
    """
    adapter = _Adapter(ours, theirs)
    try:
        adapted, made_of = adapter.root(asked)
    except _Unknown as error:
        raise PeerIncompatible(f"its schema is another version, which has no {error}") from None
    if adapter.ours is not adapter.theirs:
        adapted = _bound(adapted, theirs)
    return Adapted(adapted, adapter.unknown, adapter.is_same, made_of)


def _bound(asked: Field, theirs: GraphQLSchema) -> Field:
    """A cursor belongs to a question with all its arguments: to theirs, with their defaults."""
    after = asked.arguments.get("after")
    if after is None or theirs.query_type is None:
        return asked
    arguments = {**_defaults(theirs.query_type.fields[asked.name]), **asked.arguments}
    return replace(asked, arguments={**asked.arguments, "after": bound_to(after, binding_of(asked.name, arguments))})


def _form(declared: Any) -> str:
    """A type without what may be null: `[Dataset]`."""
    return str(declared).replace("!", "")


def _arguments(asked: Field, path: str, ours: GraphQLField, theirs: GraphQLField) -> Iterator[tuple[str, Argument]]:
    for name, needed in theirs.args.items():
        if is_required_argument(needed) and asked.arguments.get(name) is None:
            raise _Unknown(f"{path} without {name}")
    for name, value in asked.arguments.items():
        argument = theirs.args.get(name)
        if argument is None:
            if value is None or value == _defaults(ours).get(name):
                continue  # it does what this version does by default
            raise _Unknown(f"{path}({name})")
        _check_input(value, argument.type, f"{path}({name})")
        yield name, value


def _check_input(value: Argument, declared: Any, path: str) -> None:
    """Raises _Unknown for an input field or an enum value that the type does not have."""
    if value is None:
        return
    if isinstance(declared, GraphQLNonNull):
        _check_input(value, declared.of_type, path)
    elif isinstance(declared, GraphQLList):
        for one in value if isinstance(value, list) else [value]:
            _check_input(one, declared.of_type, path)
    elif isinstance(declared, GraphQLEnumType):
        if value not in declared.values:
            raise _Unknown(f"{path} {str(value)[:40]}")
    elif isinstance(declared, GraphQLInputObjectType) and isinstance(value, dict):
        _check_object(value, declared, path)


def _check_object(value: Mapping[str, Argument], declared: GraphQLInputObjectType, path: str) -> None:
    for name, needed in declared.fields.items():
        if is_required_input_field(needed) and value.get(name) is None:
            raise _Unknown(f"{path} without {name}")
    for name, one in value.items():
        if name in declared.fields:
            _check_input(one, declared.fields[name].type, f"{path}.{name}")
        elif one is not None:
            raise _Unknown(f"{path}.{name}")


def _defaults(definition: GraphQLField) -> dict[str, Argument]:
    """What arguments are if they are not given."""
    optional = {name: one for name, one in definition.args.items() if not is_required_argument(one)}
    return {name: value for name, one in optional.items() if (value := _default(one)) is not None}


def _default(argument: GraphQLArgument) -> Argument:
    nobody = FieldNode(name=NameNode(value="f"), arguments=(), directives=(), selection_set=None)
    found = get_argument_values(GraphQLField(argument.type, args={"a": argument}), nobody)  # type: ignore[arg-type]
    return as_json(found.get("a"))
