"""Execute an operation: the root fields go to the gate, and what comes back is joined to the answer as bytes.

Every root field but the few that a node answers from memory (`node`, `cities`, introspection) is one call to the gate
and comes back as JSON. So there is nothing for GraphQL's executor to complete, and for such operations it is not used:
a plan says what is selected, null rules apply to root fields only (below them the store's JSON is complete). Any
other operation goes through Strawberry with the same gate behind its resolvers, at ten times the cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError, OperationType
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.types.graphql import OperationType as AllowedType

from schema.build import VerbundSchema, fresh
from schema.documents import Checked
from schema.plans import OperationPlan, Root
from schema.ports import Context, Result
from schema.prepared import Prepared, dump_json
from schema.query import LOCAL
from schema.selection import TYPENAME, Collector, Field

_QUERIES = {AllowedType.QUERY}
_NO_VARIABLES = VariableValues({}, {})
NO_OPERATION = "there is no query to execute"


class Executor:
    """Executes queries against one schema."""

    def __init__(self, schema: VerbundSchema) -> None:
        self._schema = schema

    async def execute(
        self, query: str, variables: Mapping[str, Any] | None, operation_name: str | None, context: Context
    ) -> Result:
        """Check, plan and answer one operation. Never raises for what the caller did; see `Result.errors`."""
        checked = self._schema.documents.check(query, from_peer=context.request.caller.peer is not None)
        if checked.errors:
            return Result(None, list(map(fresh, checked.errors)))
        plan = checked.plan(operation_name)
        if plan is None or plan.operation.operation is not OperationType.QUERY:
            return Result(None, [_no_choice(checked, operation_name)])
        definitions = plan.operation.variable_definitions
        values = _NO_VARIABLES
        if definitions:
            coerced = get_variable_values(self._schema.graphql, definitions, dict(variables or {}))
            if isinstance(coerced, list):
                return Result(None, coerced)
            values = coerced
        roots = plan.roots(values)
        if any(root.name in LOCAL or (root.template is None and root.name != TYPENAME) for root in roots):
            return await self._completed(query, variables, operation_name, context)
        return await self._from_gate(plan, roots, values, context)

    async def _from_gate(
        self, plan: OperationPlan, roots: Sequence[Root], values: VariableValues, context: Context
    ) -> Result:
        collector = Collector(self._schema.graphql, plan.fragments, values)
        try:
            fields = [root.template.fill(collector) if root.template else None for root in roots]
        except GraphQLError as error:
            return Result(b"null", [error])
        if len(fields) == 1 and fields[0] is not None:
            answers: list[Any] = [await _read(context, fields[0])]
        else:
            answers = await asyncio.gather(*(_read(context, field) for field in fields if field is not None))
        arrived = iter(answers)
        parts: list[bytes] = []
        errors: list[GraphQLError] = []
        is_null = False
        for root in roots:
            answer = next(arrived) if root.template else Prepared(b'"Query"')
            if isinstance(answer, Exception):
                errors.append(GraphQLError(str(answer), list(root.nodes), path=[root.key], original_error=answer))
                is_null = is_null or not root.is_nullable
            json = answer.json if isinstance(answer, Prepared) else b"null"
            parts.append(b'"' + root.key.encode() + b'":' + json)
        if errors:
            self._schema.log_errors(errors, context)
        return Result(b"null" if is_null else b"{" + b",".join(parts) + b"}", errors)

    async def _completed(
        self, query: str, variables: Mapping[str, Any] | None, operation_name: str | None, context: Context
    ) -> Result:
        """The road for operations that ask for something that is not prepared."""
        result = await self._schema.execute(
            query,
            variable_values=dict(variables or {}),
            context_value=context,
            operation_name=operation_name,
            allowed_operation_types=_QUERIES,
        )
        return Result(dump_json(result.data), list(result.errors or ()))


async def _read(context: Context, field: Field) -> Prepared | Exception | None:
    """The gate's answer, or what it raised: other root fields go on."""
    try:
        return await context.gate.read(context.request, field)
    except Exception as error:
        return error


def _no_choice(checked: Checked, operation_name: str | None) -> GraphQLError:
    """Which operation is meant must be clear (GraphQL specification, 6.1)."""
    if not checked.plans:
        message, hint = NO_OPERATION, "send one query"
    elif operation_name is None:
        message, hint = f"the document has {len(checked.plans)} operations", "name the one you mean in operationName"
    else:
        message, hint = f"the document has no query named {operation_name[:80]!r}", "correct operationName"
    return GraphQLError(message, extensions={"code": "BAD_REQUEST", "hint": hint})
