"""Read the tree from the database: tree heads, tiles, proofs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from federation.tlog.tree import Span, consistency_spans, inclusion_spans, span_hash
from node.audit.tiles import Tiles, names_of, nodes_in
from node.audit.totals import PUBLIC
from node.store.pool import Pool
from schema.errors import Unavailable

COUNTED_FOR_S = 60.0


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A signed tree head. `cosigned_at`: when a quorum of witnesses had last cosigned it."""

    size: int
    root: bytes
    note: str
    at: datetime
    cosigned_at: datetime | None


class Tree:
    """The stored tree of this node's log."""

    def __init__(self, pool: Pool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._counts: list[tuple[Any, ...]] = []
        self._count_at = float("-inf")

    async def head(self, *, cosigned: bool = False) -> TreeHead | None:
        """The newest tree head, or the newest that a quorum cosigned.

        Raises:
            Unavailable: the database can't be reached.
        """
        where = "where cosigned_at is not null" if cosigned else ""
        query = f"select size, root, note, at, cosigned_at from log_checkpoint {where} order by size desc limit 1"
        rows = await self._rows(query)
        return TreeHead(*rows[0]) if rows else None

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `old` leaves is the beginning of that of `new`.

        Raises:
            ValueError: `old` is larger than `new`.
            TileMissing: the tree is not that large.
            Unavailable: the database can't be reached.
        """
        return await self._hashes(consistency_spans(old, new))

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that a leaf is in the tree of `size`; raises as `consistency`."""
        return await self._hashes(inclusion_spans(index, size))

    async def tile(self, level: int, index: int) -> bytes | None:
        """The hashes of a tile, as far as there are."""
        return (await self._tiles([(level, index)])).get((level, index))

    async def public_counts(self) -> list[tuple[Any, ...]]:
        """Month, dataset, asking city (None without a token), requests and rows; whole months, without persons.

        Anybody may ask, and they change once a month: so they are kept for a minute.
        """
        if self._monotonic() >= self._count_at:
            self._counts = await self._rows(PUBLIC)
            self._count_at = self._monotonic() + COUNTED_FOR_S
        return self._counts

    async def _hashes(self, spans: list[Span]) -> list[bytes]:
        nodes = nodes_in(await self._tiles(names_of(spans)))
        return [span_hash(span, nodes) for span in spans]

    async def _tiles(self, names: Iterable[tuple[int, int]]) -> Tiles:
        wanted = list(names)
        rows = await self._rows(
            "select level, index, hashes from log_tile"
            " where (level, index) in (select * from unnest(%s::smallint[], %s::bigint[]))",
            [level for level, _ in wanted],
            [index for _, index in wanted],
        )
        return {(level, index): bytes(hashes) for level, index, hashes in rows}

    async def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        try:
            async with self._pool.connection() as connection:
                return await (await connection.execute(query, parameters, binary=True)).fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database can't be reached") from error
