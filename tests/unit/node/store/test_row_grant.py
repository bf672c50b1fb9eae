"""What a transaction may see, as bit strings of ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.store.row_grant import ACCESS_LOG_GRANTED, NOTHING_GRANTED, Series, bits, row_grant

ids = st.sets(st.integers(1, 3_000), max_size=60)
series = st.lists(st.builds(Series, st.integers(1, 500), st.integers(1, 40), st.integers(1, 60)), max_size=60)


def ids_of(text: bytes) -> set[int]:
    """What PostgreSQL reads from the text: bit n stands for id n, the leftmost bit for 0."""
    if not text:
        return set()
    assert text.startswith(b"x")
    digits = "".join(f"{int(digit, 16):04b}" for digit in text[1:].decode())
    return {number for number, digit in enumerate(digits) if digit == "1"}


@given(ids)
def test_bits_hold_the_ids_and_no_others(wanted):
    assert ids_of(bits(wanted)) == wanted


def test_the_form_is_that_of_a_bit_string_constant():
    assert bits([]) == b""
    assert bits([1]) == b"x40"
    assert bits([0, 7, 8]) == b"x8180"


@given(ids, ids, series)
def test_things_and_observations_follow_their_datasets(readable, observable, known):
    grant = row_grant(readable, observable, known)
    assert ids_of(grant.datasets) == readable
    assert ids_of(grant.things) == {one.thing_id for one in known if one.dataset_id in readable}
    assert ids_of(grant.observed) == {one.id for one in known if one.dataset_id in observable}
    assert not grant.access_log


def test_nothing_is_granted_by_default():
    assert NOTHING_GRANTED.parameters == (b"", b"", b"", b"off")
    assert ACCESS_LOG_GRANTED.parameters == (b"", b"", b"", b"on")
    assert row_grant([], [], [Series(1, 1, 1)]) == NOTHING_GRANTED
