"""The tree against a second implementation (pymerkle), which shares no code with ours."""

from __future__ import annotations

from hashlib import sha256

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.tlog.tree import (
    EMPTY_ROOT,
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_from_inclusion,
    root_of,
    span_hash,
    verify_consistency,
)

SIZES = st.integers(1, 90)


def entries(count: int) -> list[bytes]:
    return [b"entry %d" % index for index in range(count)]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(entry) for entry in entries(count)]


def nodes(hashes: list[bytes]):
    return lambda level, index: root_of(hashes[index << level : (index + 1) << level])


def second(count: int) -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries(count):
        tree.append_entry(entry)
    return tree


def test_the_roots_are_the_other_implementations():
    other = second(90)
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()
    for size in range(1, 91):
        root = root_of(leaves(size))
        assert root == other.get_root(size)
        assert span_hash((0, size), nodes(leaves(size))) == root


@settings(deadline=None)
@given(size=SIZES, data=st.data())
def test_the_other_implementation_accepts_our_inclusion_proofs(size, data):
    index = data.draw(st.integers(0, size - 1))
    hashes = leaves(size)
    proof = inclusion_proof(index, size, nodes(hashes))
    root = root_of(hashes)
    assert root_from_inclusion(hashes[index], index, size, proof) == root
    theirs = second(size).prove_inclusion(index + 1, size)
    assert [hash_.hex() for hash_ in proof] == theirs.serialize()["path"][1:]
    for at in range(len(proof)):
        wrong = [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
        assert root_from_inclusion(hashes[index], index, size, wrong) != root
    for wrong in (proof[:-1], [*proof, b"\0" * 32]):
        if wrong != proof:
            with pytest.raises(ProofError):
                root_from_inclusion(hashes[index], index, size, wrong)


@settings(deadline=None)
@given(new=SIZES, data=st.data())
def test_consistency_proofs_hold_for_what_was_extended_and_for_nothing_else(new, data):
    old = data.draw(st.integers(1, new))
    hashes = leaves(new)
    old_root, new_root = root_of(hashes[:old]), root_of(hashes)
    proof = consistency_proof(old, new, nodes(hashes))
    verify_consistency(old, old_root, new, new_root, proof)
    verify_consistency(0, b"", new, new_root, [])
    rewritten = [leaf_hash(b"another"), *hashes[1:]]
    attempts = [
        (old, root_of(rewritten[:old]), new, new_root, proof),
        (old, old_root, new, root_of(rewritten), proof),
        (old, old_root, new, new_root, [*proof, b"\0" * 32]),
        (new + 1, old_root, new, new_root, proof),
    ]
    if proof:
        attempts += [
            (old, old_root, new, new_root, proof[:-1]),
            (old, old_root, new, new_root, proof[::-1] + proof[:1]),
        ]
    for attempt in attempts:
        with pytest.raises(ProofError):
            verify_consistency(*attempt)
