"""All of the stored tree at hand, read tile by tile: for commands that look at many leaves in a row."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import psycopg

from federation.tlog.tree import Span, node_hash, span_hash
from node.audit.tiles import HEIGHT, TileMissing, TileName, hashes_of, place_of

KEPT = 64  # tiles

Pyramid = list[list[bytes]]  # the hashes of a tile, and of all full nodes above them


class StoredTree:
    """Hashes of nodes, made of tiles that `load` fetches."""

    def __init__(self, load: Callable[[TileName], bytes | None]) -> None:
        self._load = load
        self._tiles: OrderedDict[TileName, Pyramid] = OrderedDict()

    def hash_of(self, span: Span) -> bytes:
        """The hash over a span of leaves. Raises TileMissing."""
        return span_hash(span, self.node)

    def leaf(self, index: int) -> bytes:
        """The hash of a leaf. Raises TileMissing."""
        return self.node(0, index)

    def node(self, level: int, index: int) -> bytes:
        """The hash of a full node. Raises TileMissing."""
        name, first, _ = place_of((level, index))
        height = level % HEIGHT
        pyramid = self._pyramid(name)
        try:
            return pyramid[height][first >> height]
        except IndexError:
            raise TileMissing(f"tile {name[1]} of level {name[0]} is too short") from None

    def _pyramid(self, name: TileName) -> Pyramid:
        known = self._tiles.get(name)
        if known is None:
            tile = self._load(name)
            if tile is None:
                raise TileMissing(f"tile {name[1]} of level {name[0]} is missing")
            known = [hashes_of(tile)]
            while len(known[-1]) > 1:
                below = known[-1]
                known.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
            self._tiles[name] = known
            if len(self._tiles) > KEPT:
                self._tiles.popitem(last=False)
        else:
            self._tiles.move_to_end(name)
        return known


def stored_tree(connection: psycopg.Connection[Any]) -> StoredTree:
    """The tree in the database."""

    def load(name: TileName) -> bytes | None:
        query = "select hashes from log_tile where level = %s and index = %s"
        row = connection.execute(query, name, binary=True).fetchone()
        return None if row is None else bytes(row[0])

    return StoredTree(load)
