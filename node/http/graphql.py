"""POST /graphql: GraphQL over HTTP with JSON bodies."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import orjson
from graphql import GraphQLError
from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from node.auth.bearer import BearerTokens, InvalidToken
from node.http.problem import find, graphql_error, request_errors
from node.settings import Limits
from node.telemetry import Telemetry, Trace
from policy.model import Caller
from schema.build import VerbundSchema
from schema.errors import Unavailable
from schema.ports import Context, Directory, Gate
from schema.ports import Request as GraphQLRequest
from schema.prepared import dump_json

JSON = "application/json"
RETRY_AFTER_S = "2"
_QUERIES = {OperationType.QUERY}


class Body(msgspec.Struct):
    """The body of a request; further members are ignored."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - GraphQL over HTTP


_Body = msgspec.json.Decoder(Body)


class GraphQLEndpoint:
    """Authenticates, executes, and shapes the answer."""

    def __init__(
        self,
        schema: VerbundSchema,
        gate: Gate,
        directory: Directory,
        bearer: BearerTokens,
        telemetry: Telemetry,
        limits: Limits,
    ) -> None:
        self._schema = schema
        self._gate = gate
        self._directory = directory
        self._bearer = bearer
        self._telemetry = telemetry
        self._limits = limits

    def route(self) -> HTTPRouteHandler:
        """The Litestar handler."""

        @post(
            "/graphql",
            status_code=200,
            request_max_body_size=self._limits.body_bytes,
            exception_handlers={HTTPException: _refuse},
        )
        async def graphql(request: Request[Any, Any, Any]) -> Response[bytes]:
            with self._telemetry.request("graphql", request.headers) as trace:
                return await self._answer(request, trace)

        return graphql

    async def _answer(self, request: Request[Any, Any, Any], trace: Trace) -> Response[bytes]:
        if request.content_type[0] != JSON:
            return _failed(415, "the body is not JSON", "UNSUPPORTED_MEDIA_TYPE", f"send Content-Type: {JSON}", trace)
        try:
            caller = self._bearer.caller(request.headers.get("authorization"))
        except InvalidToken as error:
            response = _failed(401, f"the token is not accepted: {error}", "UNAUTHENTICATED", "get a new token", trace)
            response.headers["WWW-Authenticate"] = f'Bearer error="invalid_token", error_description="{error}"'
            return response
        try:
            body = _Body.decode(await request.body())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            hint = 'send {"query": "…", "variables": {…}}'
            return _failed(400, f"the body can't be read: {error}", "BAD_REQUEST", hint, trace)
        return await self._execute(body, caller, trace)

    async def _execute(self, body: Body, caller: Caller, trace: Trace) -> Response[bytes]:
        seconds = self._limits.request_ms / 1000
        deadline = asyncio.get_running_loop().time() + seconds
        context = Context(
            GraphQLRequest(caller, body.query, deadline, trace.trace_id, trace.traceparent),
            self._gate,
            self._directory,
        )
        try:
            async with asyncio.timeout(seconds * 1.1):
                result = await self._schema.execute(
                    body.query,
                    variable_values=body.variables,
                    context_value=context,
                    operation_name=body.operationName,
                    allowed_operation_types=_QUERIES,
                )
        except TimeoutError:
            return _failed(503, "the request took too long", "TIMEOUT", "ask for less, or for fewer cities", trace)
        except (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError):
            hint = "send one query, or name one of several in operationName"
            return _failed(400, "there is no query to execute", "BAD_REQUEST", hint, trace)
        return _completed(result.data, list(result.errors or ()), trace)


def _completed(data: Any, errors: list[GraphQLError], trace: Trace) -> Response[bytes]:
    answer: dict[str, Any] = {}
    status = 200
    headers = {"Cache-Control": "no-store"}
    if errors:
        answer["errors"] = [graphql_error(error, trace.trace_id) for error in errors]
        if find(errors, Unavailable) is not None:  # no record, no data: not even the fields that were recorded
            data, status = None, 503
            headers["Retry-After"] = RETRY_AFTER_S
    answer["data"] = data
    answer["extensions"] = {"traceId": trace.trace_id}
    return Response(dump_json(answer), status_code=status, media_type=JSON, headers=headers)


def _failed(status: int, message: str, code: str, hint: str, trace: Trace) -> Response[bytes]:
    body = {"errors": request_errors(message, code, hint, trace.trace_id)}
    headers = {"Retry-After": RETRY_AFTER_S} if status == 503 else {}
    return Response(orjson.dumps(body), status_code=status, media_type=JSON, headers=headers)


def _refuse(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's refusals before the handler runs, in GraphQL's shape."""
    code, hint = (
        ("TOO_LARGE", "send a smaller body") if error.status_code == 413 else ("BAD_REQUEST", "see the message")
    )
    body = {"errors": request_errors(error.detail or "the request can't be read", code, hint)}
    return Response(orjson.dumps(body), status_code=error.status_code, media_type=JSON)
