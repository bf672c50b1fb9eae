"""The plain implementation: the committed SDL, graphql-core's own executor, one ordinary resolver per field.

Every document is executed twice. The first time on phantoms: each object and list has one member that exists only so
that every argument below is read; that finds the mistakes that are told for the root field. The second time for real.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from inspect import isawaitable
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    VariableNode,
    build_schema,
    execute,
    get_named_type,
    is_leaf_type,
    parse,
)

import schema as schema_package
from schema.errors import RequestError
from tests.oracle.comparison import Answer
from tests.oracle.facets import check_first
from tests.oracle.filters import predicates
from tests.oracle.lists import Call, Page
from tests.oracle.question import Question
from tests.oracle.resolvers import LEFT_OUT, RESOLVERS, Resolver
from tests.oracle.view import View
from tests.oracle.world import World

SDL = Path(schema_package.__file__).with_name("schema.graphql")
PHANTOM = object()
_LEAVES = {
    "Int": 0,
    "Float": 0.0,
    "Boolean": False,
    "String": "",
    "ID": "",
    "DateTime": datetime(2000, 1, 1, tzinfo=UTC),
}


def make_schema() -> GraphQLSchema:
    """The schema with its resolvers; fails if a field has none, or a resolver has no field."""
    schema = build_schema(SDL.read_text(encoding="utf-8"))
    schema.directives = tuple(one for one in schema.directives if one.name != "defer")  # answers in one piece
    fields = {
        (name, field): definition
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
        for field, definition in type_.fields.items()
    }
    known = {
        (name, field): resolver
        for name, of in RESOLVERS.items()
        for pattern, resolver in of.items()
        for field in ([pattern] if pattern != "*" else schema.type_map[name].fields)
    }
    reached = _reached(schema)
    missing = {place for place in fields if place[0] in reached} - known.keys() - LEFT_OUT.keys()
    assert not missing, f"the oracle has no resolver for {sorted(missing)}: write one in tests/oracle/resolvers.py"
    stale = known.keys() - fields.keys()
    assert not stale, f"the schema no longer has {sorted(stale)}"
    for (name, field), resolver in known.items():
        fields[name, field].resolve = _resolving(resolver, name, fields[name, field])
    date_time = schema.type_map["DateTime"]
    date_time.coerce_output_value = lambda value: value.isoformat()
    date_time.coerce_input_value = _time
    return schema


def _reached(schema: GraphQLSchema) -> set[str]:
    """Types that a document can reach without the fields that are left out."""
    found: set[str] = set()
    waiting = ["Query"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            type_ = schema.type_map[name]
            for field, definition in type_.fields.items() if isinstance(type_, GraphQLObjectType) else ():
                if (name, field) not in LEFT_OUT:
                    waiting.append(get_named_type(definition.type).name)
    return found


def _time(text: Any) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise GraphQLError("a time without offset")
    return time.astimezone(UTC)


def _resolving(resolver: Resolver, type_name: str, definition: GraphQLField) -> Any:
    returned = get_named_type(definition.type).name

    def below(source: Any, info: Any, **arguments: Any) -> Any:
        view: View = info.context
        if source is PHANTOM:
            if "first" in arguments:
                _note_mistakes(view, info, returned.removesuffix("Connection"), arguments)
            return _phantom(definition.type)
        answer = resolver(source, view, **arguments)
        _note_cursors(view, info, answer)
        return answer

    async def root(source: Any, info: Any, **arguments: Any) -> Any:
        view: View = info.context
        if source is PHANTOM:
            return _phantom(definition.type)
        key = str(info.path.key)
        try:
            answer = resolver(source, view, key, **arguments)
        except RequestError as error:
            view.errors.append(((key,), error.code))
            raise
        _note_cursors(view, info, answer)
        return answer

    return root if type_name == "Query" else below


def _note_mistakes(view: View, info: Any, type_name: str, arguments: dict[str, Any]) -> None:
    root = info.path.as_list()[0]
    try:
        if "after" in arguments:
            Call(info.field_name, type_name, arguments).check()
            predicates(view, type_name, arguments)
        else:
            check_first(arguments["first"])
    except RequestError as error:
        view.mistakes.setdefault(root, error)


def _note_cursors(view: View, info: Any, answer: Any) -> None:
    if not isinstance(answer, Page):
        return
    for argument in info.field_nodes[0].arguments or ():
        if argument.name.value == "after" and isinstance(argument.value, VariableNode):
            found = view.cursors.setdefault(argument.value.name.value, [])
            found += [row.cursor for row in answer.rows]


def _phantom(type_: Any) -> Any:
    if isinstance(type_, GraphQLNonNull):
        return _phantom(type_.of_type)
    if isinstance(type_, GraphQLList):
        return [_phantom(type_.of_type)]
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    return _LEAVES[type_.name] if is_leaf_type(type_) else PHANTOM


class PlainNode:
    """Answers from the world."""

    def __init__(self) -> None:
        self.schema = make_schema()

    async def answer(self, question: Question, world: World) -> tuple[Answer, dict[str, list[str]]]:
        """The answer, and the cursors that it gave for each variable that stands for `after`."""
        view = View(world, question.caller)
        await self._execute(question, PHANTOM, view)
        result = await self._execute(question, None, view)
        errors = [(tuple(error.path or ()), _code(error)) for error in result.errors or ()]
        messages = [error.message for error in result.errors or ()]
        return Answer(result.data, errors, messages, possible=view.errors), view.cursors

    async def _execute(self, question: Question, root: Any, view: View) -> Any:
        result = execute(
            self.schema,
            _parsed(question.document),
            root_value=root,
            context_value=view,
            variable_values=question.variables,
            operation_name=question.operation_name,
        )
        return await result if isawaitable(result) else result


@lru_cache(maxsize=8)
def _parsed(text: str) -> DocumentNode:
    return parse(text)


def _code(error: GraphQLError) -> str:
    original = error.original_error
    if isinstance(original, RequestError):
        return original.code
    assert original is None or isinstance(original, GraphQLError), f"the oracle failed: {original!r}"
    return "INVALID"
