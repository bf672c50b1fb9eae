"""Every parser of what strangers send: whatever comes, it is read or refused in the way that is meant."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS, Target

each = pytest.mark.parametrize("target", TARGETS, ids=str)


@each
def test_good_input_is_read(target: Target) -> None:
    """So that mutations begin where the parser goes deepest."""
    for good in target.good:
        if not target.name.startswith(("answer of a token", "kept", "bundle")):
            target.parse(good)
        target(good)


@each
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_good_input_with_mistakes_in_it(target: Target, seed: int) -> None:
    chance = random.Random(seed)
    target(mutated(chance.choice(target.good), chance))


@each
@settings(max_examples=15, deadline=None)
@given(data=st.binary(max_size=300))
def test_whatever_bytes(target: Target, data: bytes) -> None:
    target(data)
