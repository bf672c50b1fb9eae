"""The tree's hashes as they are stored: tiles of up to 256 hashes, as C2SP tlog-tiles cuts them.

Tile (0, n) has the hashes of the leaves from 256·n on, tile (l, n) the roots of 256 full tiles of the level below. All
nodes of the tree are made of these within microseconds, so nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from federation.tlog.tree import EMPTY_ROOT, HASH_BYTES, Node, Span, full_nodes, node_hash, root_of

HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_BYTES

TileName = tuple[int, int]  # level and index
Tiles = Mapping[TileName, bytes]


class TileMissing(LookupError):
    """The tree can't be read: a tile is missing or too short."""


def hashes_of(tile: bytes) -> list[bytes]:
    """The hashes in a tile."""
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def place_of(node: Node) -> tuple[TileName, int, int]:
    """The tile that a full node is made of, and where its hashes begin and end there (counted in hashes)."""
    level, index = node
    level_of_tile, height = divmod(level, HEIGHT)
    first = index << height
    return (level_of_tile, first >> HEIGHT), first % WIDTH, first % WIDTH + (1 << height)


def names_of(spans: Iterable[Span]) -> set[TileName]:
    """The tiles that proofs of these spans need."""
    return {place_of(node)[0] for span in spans for node in full_nodes(span)}


def nodes_in(tiles: Tiles) -> Callable[[int, int], bytes]:
    """The hash of a full node, made of tiles. It raises TileMissing."""
    known: dict[Node, bytes] = {}

    def node(level: int, index: int) -> bytes:
        found = known.get((level, index))
        if found is None:
            name, first, end = place_of((level, index))
            tile = tiles.get(name, b"")[first * HASH_BYTES : end * HASH_BYTES]
            if len(tile) != (end - first) * HASH_BYTES:
                raise TileMissing(f"tile {name[1]} of level {name[0]} is missing or too short")
            found = known[level, index] = root_of(hashes_of(tile))
        return found

    return node


class Edge:
    """The right edge of a tree that grows: the tile of each level that is not full yet. Gives the root of all of it."""

    def __init__(self, size: int = 0, tiles: Tiles | None = None) -> None:
        """The edge of a tree of `size` leaves; `tiles` has its last tiles (see `edge_names`). Raises TileMissing."""
        self.size = size
        self._levels: list[bytearray] = []
        self._changed: dict[TileName, bytes] = {}
        for name, length in edge_names(size):
            tile = (tiles or {}).get(name, b"")[: length * HASH_BYTES]
            if len(tile) != length * HASH_BYTES:
                raise TileMissing(f"tile {name[1]} of level {name[0]} is missing or too short")
            self._levels.append(bytearray(tile))

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        self.size += 1
        level, hash_ = 0, leaf
        while True:
            if level == len(self._levels):
                self._levels.append(bytearray())
            tile = self._levels[level]
            tile += hash_
            index = (self.size - 1) >> HEIGHT * (level + 1)
            if len(tile) < TILE_BYTES:
                return
            full = self._changed[level, index] = bytes(tile)
            tile.clear()
            level, hash_ = level + 1, root_of(hashes_of(full))

    def root(self) -> bytes:
        """The root over all leaves."""
        root: bytes | None = None
        for tile in self._levels:
            end = len(tile) // HASH_BYTES
            while end:
                width = end & -end
                part = root_of(hashes_of(bytes(tile[(end - width) * HASH_BYTES : end * HASH_BYTES])))
                root = part if root is None else node_hash(part, root)
                end -= width
        return EMPTY_ROOT if root is None else root

    def changed(self) -> Iterator[tuple[TileName, bytes]]:
        """The tiles that have grown since the last call, those of the edge as they are now."""
        yield from self._changed.items()
        self._changed.clear()
        for level, tile in enumerate(self._levels):
            if tile:
                yield (level, self.size >> HEIGHT * (level + 1)), bytes(tile)


def edge_names(size: int) -> Iterator[tuple[TileName, int]]:
    """For each level, the tile at the right edge and how many hashes it has; none for a level that is full."""
    level = 0
    while size >> HEIGHT * level:
        count = size >> HEIGHT * level
        yield (level, count >> HEIGHT), count % WIDTH
        level += 1
