"""Execute an operation: the root fields go to the gate, and what comes back is joined to the answer as bytes.

Every root field but the few that a node answers from memory (`node`, `cities`, introspection) is one call to the gate
and comes back as JSON. So there is nothing for GraphQL's executor to complete, and for such operations it is not used:
a plan says what is selected, null rules apply to root fields only (below them the store's JSON is complete). Any
other operation goes through Strawberry with the same gate behind its resolvers, at ten times the cost.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from graphql import GraphQLError, OperationType
from msgspec.structs import replace as changed
from strawberry.types.graphql import OperationType as AllowedType

from schema.batches import Batch, batch_of
from schema.build import VerbundSchema, fresh
from schema.cost import CostLimits, as_extension, check_cost
from schema.documents import Checked
from schema.errors import BadInput, RequestError, Unauthenticated
from schema.frames import Told, errors_of, frame_json
from schema.plans import OperationPlan, Root
from schema.ports import Context, Directory, Planned, Result, Standing
from schema.prepared import Prepared, dump_json
from schema.query import LOCAL
from schema.selection import TYPENAME, Collector, Field
from schema.types.city import reads_as_roots, reads_below

_QUERIES = {AllowedType.QUERY}
_MUTATIONS = {AllowedType.MUTATION}
_TYPENAME = Prepared(b'"Query"')
NO_OPERATION = "there is no query to execute"


REMEMBERED = 512
LONGEST_REMEMBERED = 1_024  # bytes of variables


@dataclass(frozen=True, slots=True)
class _Asked:
    """An operation with its variables: root fields, those of them that the gate answers, what they cost.

    `is_prepared`: the gate answers all but `__typename`. `local`: root fields that are answered from memory.
    """

    roots: Sequence[Root]
    fields: Sequence[Field]
    cost: Mapping[str, int]
    is_prepared: bool
    local: Sequence[Field] = ()


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription under way: the response key of its root field, the answers, what each costs."""

    key: str
    answers: AsyncGenerator[Prepared]
    cost: Mapping[str, int]


_MUTATION = _Asked((), (), {}, is_prepared=False)  # its root fields are resolvers


class Executor:
    """Executes operations against one schema."""

    def __init__(self, schema: VerbundSchema, limits: CostLimits) -> None:
        self._schema = schema
        self._limits = {False: limits, True: limits.for_peers()}
        self._remembered: OrderedDict[tuple[OperationPlan, bytes | None], _Asked] = OrderedDict()

    async def execute(
        self, query: str, variables: Mapping[str, Any] | None, operation_name: str | None, context: Context
    ) -> Result:
        """Check, plan and answer one operation. What the caller did wrong is in `Result.errors`.

        Raises:
            Unauthenticated: the caller's proof does not count. Unavailable: that can't be found out.
        """
        asked = self._checked(query, variables, operation_name, context)
        if isinstance(asked, Result):
            return asked
        if asked.is_prepared:
            return await self._from_gate(asked.roots, asked.fields, context, asked.cost)
        await context.request.confirmed()
        context = changed(context, planner=partial(self._planned, context))
        return await self._completed(query, variables, operation_name, context, asked)

    def _planned(
        self, context: Context, document: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> Planned:
        """What a document asks, for explaining it. Raises BadInput."""
        asked = self._checked(document, variables, operation_name, context)
        if isinstance(asked, Result):
            raise BadInput(f"document: {asked.errors[0].message}", hint="send a query that this node would answer")
        if asked is _MUTATION:
            raise BadInput("document: a mutation is not explained", hint="send a query")
        question = {"document": document, "variables": variables, "operation": operation_name}
        try:
            orjson.dumps(question)
        except TypeError:
            raise BadInput(
                "variables: an integer beyond 64 bits, or nested too deeply", hint="send what the document declares"
            ) from None
        own = str(context.directory.node().city.id) if asked.local else ""
        below = [read for field in asked.local for read in reads_as_roots(field, own)]
        return Planned([*asked.fields, *below], asked.cost, question)

    def defers(self, query: str, context: Context) -> bool:
        """Whether the document has parts that may come later."""
        return self._schema.documents.check(query, from_peer=context.request.caller.peer is not None).defers

    async def frames(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        context: Context,
        told: Told,
        extensions: Mapping[str, Any],
    ) -> Result | AsyncGenerator[bytes]:
        """As `execute`, in parts (`schema.frames`): the first has `extensions` and the cost.

        What is wrong with the request comes as a result.
        """
        asked = self._checked(query, variables, operation_name, context)
        if isinstance(asked, Result):
            return asked
        await context.request.confirmed()
        in_parts = changed(context, in_parts=True)
        frames = await self._schema.stream(
            query,
            variable_values=dict(variables or {}),
            context_value=in_parts,
            operation_name=operation_name,
            allowed_operation_types=_QUERIES,
        )
        return self._as_json(frames, in_parts, told, {**extensions, "cost": asked.cost})

    async def _as_json(
        self, frames: Any, context: Context, told: Told, extensions: Mapping[str, Any]
    ) -> AsyncGenerator[bytes]:
        async with aclosing(frames):
            first: Mapping[str, Any] | None = extensions
            async for frame in frames:
                if first is None:  # Strawberry has logged those of the first
                    self._schema.log_errors(errors_of(frame), context)
                yield frame_json(frame, told, first)
                first = None

    def subscribe(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        context: Context,
        standing: Standing,
    ) -> Result | Subscribed:
        """Begin a subscription, or say what is wrong with it."""
        asked = self._checked(query, variables, operation_name, context, OperationType.SUBSCRIPTION)
        if isinstance(asked, Result):
            return asked
        try:
            answers = context.gate.follow(context.request, asked.fields[0], standing)
        except RequestError as error:
            return Result(None, [_request_error(error)])
        return Subscribed(asked.roots[0].key, answers, asked.cost)

    def kind(self, query: str, operation_name: str | None, context: Context) -> OperationType | Result:
        """Of which kind the operation is that is meant, or what is wrong with the document."""
        checked = self._schema.documents.check(query, from_peer=context.request.caller.peer is not None)
        if checked.errors:
            return Result(None, list(map(fresh, checked.errors)))
        plan = checked.plan(operation_name)
        return Result(None, [_no_choice(checked, operation_name)]) if plan is None else plan.operation.operation

    def _checked(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        context: Context,
        kind: OperationType = OperationType.QUERY,
    ) -> _Asked | Result:
        """What is asked, or what is wrong with it."""
        from_peer = context.request.caller.peer is not None
        checked = self._schema.documents.check(query, from_peer=from_peer)
        if checked.errors:
            return Result(None, list(map(fresh, checked.errors)))
        plan = checked.plan(operation_name)
        if plan is not None and plan.operation.operation is OperationType.MUTATION and kind is OperationType.QUERY:
            return _MUTATION
        if plan is None:
            return Result(None, [_no_choice(checked, operation_name)])
        if plan.operation.operation is not kind:
            return Result(None, [_of_another_kind(plan)])
        return self._asked(plan, variables or {}, self._limits[from_peer], context.directory)

    def _asked(
        self, plan: OperationPlan, variables: Mapping[str, Any], limits: CostLimits, directory: Directory
    ) -> _Asked | Result:
        """What an operation asks with these variables, or what is wrong with it. Many clients ask the same again."""
        key = plan, _text(variables)
        known = self._remembered.get(key)
        if known is not None:
            self._remembered.move_to_end(key)
            return known
        values = plan.variables(variables)
        if isinstance(values, list):
            return Result(None, values)
        collector = Collector(self._schema.graphql, plan.fragments, values)
        try:
            roots = plan.roots(values)
            fields = [root.template.fill(collector) if root.template else None for root in roots]
            of_gate = [field for field in fields if field is not None and field.name not in LOCAL]
            local = [field for field in fields if field is not None and field.name in LOCAL]
            below = [read for field in local for read in _below(field, directory)]
            priced = map(_polled, of_gate) if plan.operation.operation is OperationType.SUBSCRIPTION else of_gate
            cost = as_extension(check_cost([*priced, *below], limits, _members(of_gate, directory)), limits)
        except (GraphQLError, RequestError) as error:
            return Result(None, [_request_error(error)])
        is_prepared = len(of_gate) == sum(root.name != TYPENAME for root in roots)
        asked = _Asked(roots, of_gate, cost, is_prepared, local)
        if key[1] is not None and plan.is_remembered:
            self._remembered[key] = asked
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return asked

    async def _from_gate(
        self, roots: Sequence[Root], fields: Sequence[Field], context: Context, cost: Mapping[str, int]
    ) -> Result:
        if len(fields) == 1:
            answers = [await _read(context, fields[0])]
        else:
            await context.request.confirmed()
            answers = await asyncio.gather(*(_read(context, field) for field in fields))
        arrived = iter(answers)
        parts: list[bytes] = []
        errors: list[GraphQLError] = []
        is_null = False
        for root in roots:
            answer = next(arrived) if root.template else _TYPENAME
            if isinstance(answer, Exception):
                errors.append(GraphQLError(str(answer), list(root.nodes), path=[root.key], original_error=answer))
                is_null = is_null or not root.is_nullable
            json = answer.json if isinstance(answer, Prepared) else b"null"
            parts.append(b'"' + root.key.encode() + b'":' + json)
        if errors:
            self._schema.log_errors(errors, context)
        return Result(b"null" if is_null else b"{" + b",".join(parts) + b"}", errors, cost)

    async def _completed(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        context: Context,
        asked: _Asked,
    ) -> Result:
        """The road for operations that ask for something that is not prepared, and for mutations."""
        if asked is _MUTATION and (batch := self._batch(query, variables, operation_name, context)) is not None:
            variables, context = batch.variables, changed(context, series=batch.series)
        result = await self._schema.execute(
            query,
            variable_values=dict(variables or {}),
            context_value=context,
            operation_name=operation_name,
            allowed_operation_types=_MUTATIONS if asked is _MUTATION else _QUERIES,
        )
        return Result(dump_json(result.data), list(result.errors or ()), asked.cost)

    def _batch(
        self, query: str, variables: Mapping[str, Any] | None, operation_name: str | None, context: Context
    ) -> Batch | None:
        from_peer = context.request.caller.peer is not None
        plan = self._schema.documents.check(query, from_peer=from_peer).plan(operation_name)
        return None if plan is None else batch_of(plan.operation, variables)


async def _read(context: Context, field: Field) -> Prepared | Exception | None:
    """The gate's answer, or what it raised: other root fields go on. Raises Unauthenticated."""
    try:
        return await context.gate.read(context.request, field)
    except Unauthenticated:
        raise
    except Exception as error:
        return error


def _members(fields: Sequence[Field], directory: Directory) -> int:
    """How many cities an aggregate may be put together from; others cost the same whoever is asked."""
    return len(directory.cities()) if any(field.name == "aggregate" for field in fields) else 1


def _below(local: Field, directory: Directory) -> Iterator[Field]:
    is_read = any(child.children for child in local.children)
    return reads_below(local, len(directory.cities()) if is_read and local.name == "cities" else 1)


def _text(variables: Mapping[str, Any]) -> bytes | None:
    """Variables in a form that can be compared; None if they are too long to be remembered."""
    try:
        text = orjson.dumps(variables)
    except TypeError:  # an integer beyond 64 bits, which JSON may hold
        return None
    return text if len(text) <= LONGEST_REMEMBERED else None


def _polled(field: Field) -> Field:
    """A subscription costs with every batch what asking for one does."""
    return replace(field, name="newObservations")


def _of_another_kind(plan: OperationPlan) -> GraphQLError:
    kind = plan.operation.operation.value
    hint = "subscribe with Accept: text/event-stream, or over WebSocket" if kind == "subscription" else "ask by POST"
    return GraphQLError(f"a {kind} is not answered this way", extensions={"code": "BAD_REQUEST", "hint": hint})


def _no_choice(checked: Checked, operation_name: str | None) -> GraphQLError:
    """Which operation is meant must be clear (GraphQL specification, 6.1)."""
    if not checked.plans:
        message, hint = NO_OPERATION, "send one query"
    elif operation_name is None:
        message, hint = f"the document has {len(checked.plans)} operations", "name the one you mean in operationName"
    else:
        message, hint = f"the document has no query named {operation_name[:80]!r}", "correct operationName"
    return GraphQLError(message, extensions={"code": "BAD_REQUEST", "hint": hint})


def _request_error(error: GraphQLError | RequestError) -> GraphQLError:
    return error if isinstance(error, GraphQLError) else GraphQLError(error.message, original_error=error)
