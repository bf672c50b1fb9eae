"""GET /.well-known/openid-federation: what this node says of itself."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from federation.trust.statements import MEDIA_TYPE, WELL_KNOWN
from node.auth.entity import EntityConfiguration

HEADERS = {"Cache-Control": "no-cache"}  # a revoked key is to be known within a minute


def entity_route(entity: EntityConfiguration) -> HTTPRouteHandler:
    """The Litestar handler."""

    @get(WELL_KNOWN, sync_to_thread=False, include_in_schema=False)
    def configuration() -> Response[bytes]:
        return Response(entity.current().encode(), media_type=MEDIA_TYPE, headers=HEADERS)

    return configuration
