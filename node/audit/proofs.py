"""Proofs of many leaves of one tree, each as short as the ones before it allow. The same steps for maker and checker.

The full proof of a leaf is that of RFC 9162. Once it is checked, all hashes on its way are known to be in the tree; the
next leaf's proof ends where it meets one of them. So a thousand leaves in a row need a thousand hashes, not ten
thousand, and each of them is checked by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from federation.tlog.tree import ProofError, Span, inclusion_spans, node_hash

KEPT_BELOW = 256  # leaves: hashes over fewer are forgotten when the next leaf is further away


class Known:
    """The hashes that are known to be in the tree. Leaves come in ascending order."""

    def __init__(self, size: int, root: bytes) -> None:
        self.size = size
        self._large: dict[Span, bytes] = {(0, size): root}
        self._small: dict[Span, bytes] = {}
        self._near = -1

    def get(self, span: Span) -> bytes | None:
        """The hash over a span, if it is known."""
        return self._small.get(span) or self._large.get(span)

    def missing(self, index: int) -> Iterator[Span]:
        """What a proof of this leaf must give: the siblings on its way up, until something known is met."""
        self._approach(index)
        way = (index, index + 1)
        for span in upward(index, self.size):
            if self.get(way) is not None:
                return
            yield span
            way = _parent(way, span)

    def learn(self, index: int, leaf: bytes, proof: Sequence[bytes]) -> None:
        """Check a leaf, and know what is on its way from then on.

        Raises:
            ProofError: it is not this leaf, or the proof does not show it.
        """
        if not 0 <= index < self.size:
            raise ProofError(f"leaf {index} is not in a tree of {self.size}")
        way: Span = (index, index + 1)
        if not proof and self._near == index // KEPT_BELOW and self._small.get(way) == leaf:
            return  # every other leaf of many in a row: it was the sibling of the one before
        hash_, found = leaf, [(way, leaf)]
        spans = list(self.missing(index))
        if len(spans) != len(proof):
            raise ProofError(f"the proof has {len(proof)} hashes, not {len(spans)}")
        for span, sibling in zip(spans, proof, strict=True):
            hash_ = node_hash(hash_, sibling) if span[0] >= way[1] else node_hash(sibling, hash_)
            way = _parent(way, span)
            found += [(span, sibling), (way, hash_)]
        if self.get(way) != hash_:
            raise ProofError("it is not what the tree has there")
        for span, known in found:
            (self._small if span[1] - span[0] < KEPT_BELOW else self._large)[span] = known

    def _approach(self, index: int) -> None:
        near = index // KEPT_BELOW
        if near != self._near:
            self._small.clear()
            self._near = near


def upward(index: int, size: int) -> Iterator[Span]:
    """As `inclusion_spans`, one by one: mostly the first few will do, and these are easily told."""
    level = 0
    while ((index >> level ^ 1) + 1) << level <= size:
        sibling = index >> level ^ 1
        yield sibling << level, (sibling + 1) << level
        level += 1
    yield from inclusion_spans(index, size)[level:]


def prove(known: Known, index: int, leaf: bytes, hash_of: Callable[[Span], bytes]) -> list[bytes]:
    """The proof of a leaf for somebody who knows what `known` does.

    Raises:
        ProofError: the stored tree does not have this leaf there.
    """
    proof = [hash_of(span) for span in known.missing(index)]
    known.learn(index, leaf, proof)
    return proof


def _parent(one: Span, other: Span) -> Span:
    return min(one[0], other[0]), max(one[1], other[1])
