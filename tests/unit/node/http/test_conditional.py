"""Tags of answers, and whether the client names them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.http.conditional import entity_tag, has_already

TAG = entity_tag(b'{"cities":[]}')


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_other_data_has_another_tag(one, other):
    assert (entity_tag(one) == entity_tag(other)) == (one == other)


@given(st.lists(st.binary(max_size=8).map(entity_tag), max_size=4), st.integers(0, 4), st.booleans())
def test_a_tag_is_found_wherever_it_stands(others, place, is_weak):
    named = [*others[:place], TAG if is_weak else TAG.removeprefix("W/"), *others[place:]]
    assert has_already(", ".join(named), TAG)
    assert has_already(",".join(others), TAG) == (TAG in others)


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, False), ("", False), ("*", True), (TAG.strip('W/"'), False), (TAG[:-2] + '"', False), (f" {TAG} ,", True)],
)
def test_headers(header, expected):
    assert has_already(header, TAG) is expected
