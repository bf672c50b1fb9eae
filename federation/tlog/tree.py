"""The Merkle tree of RFC 9162 §2.1: its hashes, its proofs, and their verification.

A node of the tree is named by level and index: (0, i) is the hash of leaf i, (k, i) covers the leaves from i·2^k to
(i + 1)·2^k. `Nodes` gives the hash of such a full node; whatever else is needed is made of those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Node = tuple[int, int]
Nodes = Callable[[int, int], bytes]
Span = tuple[int, int]  # leaves from the first to before the second


class ProofError(ValueError):
    """A proof does not hold."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over the hashes of all leaves, level by level."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1 :]
    return level[0]


def span_hash(span: Span, nodes: Nodes) -> bytes:
    """The root over a span of leaves that begins where a tree of its size may begin."""
    start, end = span
    if start == end:
        return EMPTY_ROOT
    parts = [nodes(level, index) for level, index in full_nodes(span)]
    root = parts.pop()
    while parts:
        root = node_hash(parts.pop(), root)
    return root


def full_nodes(span: Span) -> Iterator[Node]:
    """The full nodes that a span consists of, the largest first."""
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def inclusion_spans(index: int, size: int) -> list[Span]:
    """What an inclusion proof consists of (RFC 9162 §2.1.3.1), lowest first.

    Raises:
        ValueError: there is no such leaf in a tree of this size.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """What a consistency proof consists of (RFC 9162 §2.1.4.1); empty if `old` is 0 or equals `new`.

    Raises:
        ValueError: `old` is larger than `new`.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} is not the beginning of one of {new}")
    if old in {0, new}:
        return []
    spans: list[Span] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start, whole = middle, False
    if not whole:
        spans.append((start, end))
    return spans[::-1]


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The hashes of an inclusion proof."""
    return [span_hash(span, nodes) for span in inclusion_spans(index, size)]


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """The hashes of a consistency proof."""
    return [span_hash(span, nodes) for span in consistency_spans(old, new)]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that a proof leads to (RFC 9162 §2.1.3.2).

    Raises:
        ProofError: index or length of the proof can't be right.
    """
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    at, last, root = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        if at & 1 or at == last:
            root = node_hash(hash_, root)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, hash_)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    return root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the old tree is the beginning of the new one (RFC 9162 §2.1.4.2).

    Raises:
        ProofError: it is not, or the proof does not show it.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {old} is not the beginning of one of {new}")
    if old == new and old_root != new_root:
        raise ProofError("two trees of the same size have different roots")
    if old in {0, new}:
        if proof:
            raise ProofError("the proof is too long")
        return
    hashes = list(proof)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofError("the proof is too short")
    first, second = _both_roots(old, new, hashes)
    if first != old_root or second != new_root:
        raise ProofError("the old tree is not the beginning of the new one")


def _both_roots(old: int, new: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of both trees, as a consistency proof leads to them."""
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = hashes[0]
    for hash_ in hashes[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if at & 1 or at == last:
            first, second = node_hash(hash_, first), node_hash(hash_, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, hash_)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    return first, second


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1
