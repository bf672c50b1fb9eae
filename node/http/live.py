"""Answers that go on, whatever carries them: each is the JSON of an execution result (GraphQL specification, 7.1)."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from graphql import GraphQLError, OperationType

from node.auth.callers import Callers, Claimed
from node.auth.token_check import InvalidToken
from node.http.problem import graphql_error
from node.telemetry.counts import Counts
from schema.errors import Ended
from schema.execution import Executor, Subscribed
from schema.ports import Context, Result

log = logging.getLogger("verbund.live")
CHECK_EVERY_S = 15.0


class TokenStanding:
    """Fills `schema.ports.Standing` with the token that a subscription began with."""

    def __init__(self, callers: Callers, claimed: Claimed) -> None:
        self._callers = callers
        self._claimed = claimed

    async def check(self) -> float:
        """See `schema.ports.Standing`. Raises Unavailable if it can't be found out."""
        try:
            return min(await self._callers.seconds_left(self._claimed), CHECK_EVERY_S)
        except InvalidToken as error:
            raise Ended(f"the token is not accepted any more: {error}") from None


class LiveAnswers:
    """Executes operations for connections that are kept."""

    def __init__(self, executor: Executor, callers: Callers, counts: Counts) -> None:
        self._executor = executor
        self._callers = callers
        self._counts = counts
        self._running = 0
        counts.watch(lambda: [("verbund_subscriptions", (), float(self._running))])

    def begin(
        self,
        query: str,
        variables: dict[str, object] | None,
        operation_name: str | None,
        context: Context,
        claimed: Claimed,
        *,
        tells_end: bool = True,
    ) -> Result | AsyncGenerator[bytes]:
        """The answers to an operation of any kind; or what is wrong with it.

        When the token ends, so does a subscription: with an error, or unless it `tells_end` by raising Ended.
        """
        kind = self._executor.kind(query, operation_name, context)
        if isinstance(kind, Result):
            return kind
        if kind is not OperationType.SUBSCRIPTION:
            return self._single(query, variables, operation_name, context)
        standing = TokenStanding(self._callers, claimed)
        found = self._executor.subscribe(query, variables, operation_name, context, standing)
        return found if isinstance(found, Result) else self._answers(found, context, tells_end=tells_end)

    async def _single(
        self, query: str, variables: dict[str, object] | None, operation_name: str | None, context: Context
    ) -> AsyncGenerator[bytes]:
        result = await self._executor.execute(query, variables, operation_name, context)
        yield result_json(result, context.request.trace_id)

    async def _answers(self, subscribed: Subscribed, context: Context, *, tells_end: bool) -> AsyncGenerator[bytes]:
        trace_id = context.request.trace_id
        extensions = orjson.dumps({"traceId": trace_id, "cost": subscribed.cost})
        head, tail = b'{"data":{"' + subscribed.key.encode() + b'":', b'},"extensions":' + extensions + b"}"
        self._running += 1
        try:
            async with aclosing(subscribed.answers) as answers:
                async for answer in answers:
                    self._counts.add("verbund_live_batches_total")
                    yield head + answer.json + tail
        except Exception as error:
            if isinstance(error, Ended) and not tells_end:
                raise
            failed = GraphQLError(str(error), path=[subscribed.key], original_error=error)
            told = graphql_error(failed, trace_id)
            if told["extensions"]["code"] == "INTERNAL":
                log.exception("trace %s: a subscription failed", trace_id)
            yield orjson.dumps({"data": None, "errors": [told], "extensions": {"traceId": trace_id}})
        finally:
            self._running -= 1


def result_json(result: Result, trace_id: str) -> bytes:
    """A result that is complete."""
    return orjson.dumps(
        {
            **({"errors": [graphql_error(error, trace_id) for error in result.errors]} if result.errors else {}),
            **({} if result.data is None else {"data": orjson.Fragment(result.data)}),
            "extensions": {"traceId": trace_id, **({} if result.cost is None else {"cost": result.cost})},
        }
    )
