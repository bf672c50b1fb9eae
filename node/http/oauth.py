"""OAuth over HTTP: tokens, revocation, introspection, key set, metadata of server and resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from litestar import Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from federation.discovery import WELL_KNOWN
from federation.grants import FORM
from federation.proofs import HEADER
from node.auth.metadata import (
    INTROSPECTION_PATH,
    JWKS_PATH,
    PUSH_PATH,
    RESOURCE_METADATA_PATH,
    REVOCATION_PATH,
    resource_metadata,
    server_metadata,
)
from node.auth.server import Reply
from node.auth.service import TokenService
from node.http.problem import RETRY_AFTER_S

MAX_BODY_BYTES = 16_384
JSON = "application/json"
CACHE = "public, max-age=600"
JWKS_CACHE = "public, max-age=60"  # a revoked key is to be known soon


def oauth_routes(service: TokenService) -> list[HTTPRouteHandler]:
    """The endpoints for clients, the key set, and the two documents below `/.well-known`, for this service."""
    metadata = orjson.dumps(server_metadata(service.node))
    resource = orjson.dumps(resource_metadata(service.node))

    @post("/oauth/token", status_code=200, request_max_body_size=MAX_BODY_BYTES, include_in_schema=False)
    async def token(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answered(request, lambda body: service.token(body, request.headers.getall(HEADER, [])))

    @post(REVOCATION_PATH, status_code=200, request_max_body_size=MAX_BODY_BYTES, include_in_schema=False)
    async def revoke(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answered(request, service.revoke)

    @post(INTROSPECTION_PATH, status_code=200, request_max_body_size=MAX_BODY_BYTES, include_in_schema=False)
    async def introspect(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answered(request, service.introspect)

    @post(PUSH_PATH, status_code=201, request_max_body_size=MAX_BODY_BYTES, include_in_schema=False)
    async def push(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answered(request, service.push)

    async def answered(request: Request[Any, Any, Any], answer: Callable[[bytes], Awaitable[Reply]]) -> Response[bytes]:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            return _answer(service.refuse(InvalidRequestError(f"the Content-Type must be {FORM}")))
        try:
            body = await request.body()
        except HTTPException:
            return _answer(service.refuse(InvalidRequestError(f"the body is larger than {MAX_BODY_BYTES} bytes")))
        return _answer(await answer(body))

    @get(JWKS_PATH, include_in_schema=False)
    async def keys() -> Response[bytes]:
        return _document(orjson.dumps(service.node.jwks), JWKS_CACHE)

    @get(WELL_KNOWN, include_in_schema=False)
    async def server() -> Response[bytes]:
        return _document(metadata, CACHE)

    @get(RESOURCE_METADATA_PATH, include_in_schema=False)
    async def protected() -> Response[bytes]:
        return _document(resource, CACHE)

    people = [push] if service.node.people_sign_in else []
    return [token, revoke, introspect, *people, keys, server, protected]


def _answer(reply: Reply) -> Response[bytes]:
    later = {"Retry-After": RETRY_AFTER_S} if reply.status == 503 else {}
    headers = reply.headers | later
    return Response(orjson.dumps(reply.body), status_code=reply.status, headers=headers, media_type=JSON)


def _document(content: bytes, cache: str) -> Response[bytes]:
    return Response(content, headers={"Cache-Control": cache}, media_type=JSON)
