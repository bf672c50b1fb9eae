"""GET /schema.graphql: the schema in its own language, for developers and for nodes of other versions."""

from __future__ import annotations

import hashlib
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from federation.foreign import PATH
from node.http.conditional import has_already
from node.http.cors import ANYBODY

CACHE = "public, max-age=300"


def schema_route(sdl: str) -> HTTPRouteHandler:
    """The Litestar handler."""
    content = sdl.encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": CACHE, **ANYBODY}

    @get(PATH, sync_to_thread=False, include_in_schema=False)
    def schema(request: Request[Any, Any, Any]) -> Response[bytes]:
        if has_already(request.headers.get("if-none-match"), tag):
            return Response(b"", status_code=304, headers=headers)
        return Response(content, media_type="text/plain", headers=headers)

    return schema
