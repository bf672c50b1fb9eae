"""Proofs of many leaves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.tlog.tree import ProofError, inclusion_proof, inclusion_spans, leaf_hash, root_of
from node.audit.proofs import Known, prove, upward


def test_the_way_up_is_that_of_the_standard():
    for size in range(1, 140):
        for index in range(size):
            assert list(upward(index, size)) == inclusion_spans(index, size)


@settings(deadline=None)
@given(size=st.integers(1, 600), data=st.data())
def test_each_leaf_is_checked_with_what_is_known_and_no_other_passes(size, data):
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=20)))
    maker, checker = Known(size, root_of(leaves)), Known(size, root_of(leaves))
    for number, index in enumerate(chosen):
        proof = prove(maker, index, leaves[index], lambda span: root_of(leaves[span[0] : span[1]]))
        if number == 0:
            nodes = lambda level, at: root_of(leaves[at << level : (at + 1) << level])
            assert proof == inclusion_proof(index, size, nodes)
        with pytest.raises(ProofError):
            checker.learn(index, leaf_hash(b"another"), proof)
        with pytest.raises(ProofError):
            checker.learn(index, leaves[index], [*proof, bytes(32)])
        checker.learn(index, leaves[index], proof)
