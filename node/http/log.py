"""The log's pages: its heads, tiles and proofs for anybody, and this node as a witness (C2SP tlog-tiles, tlog-witness).

All of it is hashes, sizes and times. Records are for this city's auditors alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from psycopg_pool import PoolTimeout

from federation.log_keys import PATH, LogKeys, sign_log_keys
from federation.tlog.tree import HASH_BYTES
from federation.tlog.witness import MAX_BODY_BYTES, proof_lines
from node.audit.peers import ADD_CHECKPOINT, EMPTY
from node.audit.tiles import TILE_BYTES, TileMissing
from node.audit.tree import Tree
from node.audit.witness import Witness
from node.auth.identity import NodeIdentity
from schema.errors import Unavailable

TEXT = "text/plain"
NO_STORE = {"Cache-Control": "no-store"}
NO_SUCH_TREES = "the log has no trees of these sizes"
LARGEST = 2**62  # leaves; the database counts no further
_WIDTH = re.compile("[1-9][0-9]{0,2}")
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


class LogPages:
    """Serves the tree, and cosigns others'."""

    def __init__(self, tree: Tree, witness: Witness, identity: NodeIdentity, keys: Callable[[], LogKeys]) -> None:
        self._tree = tree
        self._witness = witness
        self._identity = identity
        self._keys = keys

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handlers."""

        @get(PATH, include_in_schema=False, sync_to_thread=False)
        def keys() -> Response[bytes]:
            identity = self._identity
            signed = sign_log_keys(self._keys(), identity.issuer, identity.signing_key, datetime.now(UTC))
            return Response(signed, media_type="application/jwt", headers=NO_STORE)

        @get("/log/checkpoint", include_in_schema=False)
        async def checkpoint() -> Response[str]:
            head = await _available(self._tree.head())
            if head is None:
                raise NotFoundException(EMPTY)
            return Response(head.note, media_type=TEXT, headers=NO_STORE)

        @get("/log/tile/{level:int}/{path:path}", include_in_schema=False)
        async def tile(level: FromPath[int], path: FromPath[str]) -> Response[bytes]:
            index, width = _tile_path(path)
            found = await _available(self._tree.tile(level, index)) if 0 <= level < 8 else None
            if found is None or len(found) < width * HASH_BYTES:
                raise NotFoundException("there is no such tile, or not yet")
            headers = FOREVER if width * HASH_BYTES == TILE_BYTES else NO_STORE
            return Response(found[: width * HASH_BYTES], media_type="application/octet-stream", headers=headers)

        @get("/log/consistency", include_in_schema=False)
        async def consistency(old: FromQuery[int], new: FromQuery[int]) -> Response[str]:
            return await _proof(self._tree.consistency, old, new)

        @get("/log/inclusion", include_in_schema=False)
        async def inclusion(index: FromQuery[int], size: FromQuery[int]) -> Response[str]:
            return await _proof(self._tree.inclusion, index, size)

        @get("/log/counts", include_in_schema=False)
        async def counts() -> Response[str]:
            rows = await _available(self._tree.public_counts())
            lines = [",".join(str(cell if cell is not None else "") for cell in row) for row in rows]
            content = "\n".join(["month,dataset,city,requests,rows", *lines, ""])
            headers = {"Cache-Control": "public, max-age=3600"}
            return Response(content, media_type="text/csv", headers=headers)

        @post(ADD_CHECKPOINT, include_in_schema=False, request_max_body_size=MAX_BODY_BYTES, status_code=200)
        async def add_checkpoint(request: Request[Any, Any, Any]) -> Response[str]:
            body = (await request.body()).decode("utf-8", "replace")
            try:
                reply = await self._witness.add_checkpoint(body)
            except (psycopg.Error, PoolTimeout):
                raise ServiceUnavailableException("the database can't be reached") from None
            return Response(reply.body, status_code=reply.status, media_type=reply.content_type, headers=NO_STORE)

        return [keys, checkpoint, tile, consistency, inclusion, counts, add_checkpoint]


def _tile_path(path: str) -> tuple[int, int]:
    """Index and width of a tile from its path: x001/x234/067 or x001/234.p/8 (tlog-tiles)."""
    full, is_partial, width = path.strip("/").partition(".p/")
    parts = full.split("/")
    fits = all(part.startswith("x") for part in parts[:-1]) and not parts[-1].startswith("x") and len(parts) <= 6
    digits = [part.removeprefix("x") for part in parts]
    if not fits or not all(len(part) == 3 and part.isascii() and part.isdigit() for part in digits):
        raise NotFoundException("a tile's path is groups of three digits, all but the last with an x before them")
    if not is_partial:
        return int("".join(digits)), TILE_BYTES // HASH_BYTES
    if not _WIDTH.fullmatch(width) or int(width) >= TILE_BYTES // HASH_BYTES:
        raise NotFoundException("the width of a partial tile is 1 to 255")
    return int("".join(digits)), int(width)


async def _available(reading: Any) -> Any:
    try:
        return await reading
    except Unavailable as error:
        raise ServiceUnavailableException(error.message) from None


async def _proof(prove: Callable[[int, int], Any], one: int, other: int) -> Response[str]:
    if max(one, other) > LARGEST:
        raise NotFoundException(NO_SUCH_TREES)
    try:
        return Response(proof_lines(await _available(prove(one, other))), media_type=TEXT, headers=NO_STORE)
    except (ValueError, TileMissing):
        raise NotFoundException(NO_SUCH_TREES) from None
