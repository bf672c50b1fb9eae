"""The two shapes of an error: GraphQL's `extensions` on /graphql, RFC 9457 problem details everywhere else.

Both carry a stable code and a hint. What nobody expected is answered without details and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import orjson
import psycopg
from graphql import GraphQLError
from litestar import Request, Response
from litestar.exceptions import HTTPException

from node.http.asgi import SECURITY_HEADERS
from policy.errors import Flaw
from schema.errors import BadInput, RequestError, TooCostly, Unavailable

log = logging.getLogger("verbund.http")

PROBLEM_JSON = "application/problem+json"
INTERNAL = "INTERNAL"
NO_STORE = {"Cache-Control": "no-store"}
MAX_MESSAGE = 600
RETRY_AFTER_S = "2"
_CODES = {
    400: ("BAD_REQUEST", "see the detail"),
    401: ("UNAUTHENTICATED", "get a token at the token endpoint named in /.well-known/oauth-authorization-server"),
    403: ("FORBIDDEN", "ask the operator of the node for the scope that this needs"),
    404: ("NOT_FOUND", "the API is at /graphql, its health at /health/ready"),
    405: ("METHOD_NOT_ALLOWED", "use one of the methods in the header Allow"),
    413: ("TOO_LARGE", "send a smaller body; the limit is in the query { node { limits { bodyBytes } } }"),
    415: ("UNSUPPORTED_MEDIA_TYPE", "send application/json"),
    503: ("UNAVAILABLE", "ask again in a few seconds"),
}


def problem(status: int, detail: str, *, code: str | None = None, hint: str | None = None) -> Response[bytes]:
    """An RFC 9457 problem."""
    usual_code, usual_hint = _CODES.get(status, (INTERNAL, "ask the operator of the node"))
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code or usual_code,
        "hint": hint or usual_hint,
    }
    headers = {**SECURITY_HEADERS, **NO_STORE}  # Litestar's hook for answers does not see those to its own errors
    if status == 503:
        headers["Retry-After"] = RETRY_AFTER_S
    return Response(orjson.dumps(body), status_code=status, media_type=PROBLEM_JSON, headers=headers)


def handle_http_error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own errors (no such path, wrong method, body too large) as problems."""
    response = problem(error.status_code, error.detail or HTTPStatus(error.status_code).phrase)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def handle_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """What nobody expected: logged with its trace, answered without it. A database that is away passes."""
    if isinstance(error, psycopg.OperationalError | Unavailable):
        log.warning("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
        return problem(503, "the database can't be reached")
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "an internal error occurred; the operator finds it in the log")


def graphql_error(error: GraphQLError, trace_id: str) -> dict[str, Any]:
    """One entry of `errors` in a GraphQL answer."""
    code, message, hint, city = _explain(error)
    extensions: dict[str, Any] = {"code": code, "hint": hint, "traceId": trace_id}
    if city is not None:
        extensions["city"] = city
    if isinstance(error.original_error, TooCostly) and error.original_error.cost is not None:
        extensions["cost"] = error.original_error.cost
    if isinstance(error.original_error, BadInput) and error.original_error.flaws:
        extensions["fields"] = [fields_entry(flaw) for flaw in error.original_error.flaws]
    entry: dict[str, Any] = {"message": message[:MAX_MESSAGE], "extensions": extensions}
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        entry["path"] = list(error.path)
    return entry


def fields_entry(flaw: Flaw) -> dict[str, str]:
    """What is wrong with one field: its name as in the schema, a stable word for what is wrong, a message."""
    first, *others = flaw.field.split("_")
    return {
        "name": first + "".join(map(str.title, others)),
        "wrong": flaw.wrong.value,
        "message": flaw.text[:MAX_MESSAGE],
    }


def request_errors(message: str, code: str, hint: str, trace_id: str | None = None) -> list[dict[str, Any]]:
    """The `errors` of a request that did not get as far as being executed."""
    extensions = {"code": code, "hint": hint} | ({"traceId": trace_id} if trace_id else {})
    return [{"message": message[:MAX_MESSAGE], "extensions": extensions}]


def find(errors: Iterable[GraphQLError], kind: type[RequestError]) -> RequestError | None:
    """The first error of a kind."""
    return next((e.original_error for e in errors if isinstance(e.original_error, kind)), None)


def _explain(error: GraphQLError) -> tuple[str, str, str | None, str | None]:
    original = error.original_error
    if isinstance(original, RequestError):
        return original.code, original.message, original.hint, original.city
    told = error.extensions or {}
    if "code" in told:
        return str(told["code"]), error.message, told.get("hint"), None
    if original is not None and not isinstance(original, GraphQLError | ValueError):
        return INTERNAL, "an internal error occurred", "tell the operator the traceId", None
    if error.message.startswith("Syntax Error"):
        return "SYNTAX", error.message, "check the query where `locations` points", None
    return "INVALID", error.message, "compare the query with the schema, at /schema.graphql or in /explorer", None
