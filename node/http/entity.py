"""What this node says of itself: GET /.well-known/openid-federation, and the keys that it signed with before."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from federation.trust import former_keys
from federation.trust.statements import MEDIA_TYPE, WELL_KNOWN
from node.auth.entity import EntityConfiguration

HEADERS = {"Cache-Control": "no-cache"}  # a revoked key is to be known within a minute


def entity_routes(entity: EntityConfiguration) -> list[HTTPRouteHandler]:
    """The Litestar handlers."""

    @get(WELL_KNOWN, sync_to_thread=False, include_in_schema=False)
    def configuration() -> Response[bytes]:
        return Response(entity.current().encode(), media_type=MEDIA_TYPE, headers=HEADERS)

    @get(former_keys.PATH, sync_to_thread=False, include_in_schema=False)
    def historical_keys() -> Response[bytes]:
        return Response(entity.former_keys().encode(), media_type=former_keys.MEDIA_TYPE, headers=HEADERS)

    return [configuration, historical_keys]
