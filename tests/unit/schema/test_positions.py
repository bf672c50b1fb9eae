"""Cursors of arrivals come from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import BadInput
from schema.positions import decode_positions, encode_positions

CITIES = st.from_regex(r"[a-z][a-z0-9-]{1,30}", fullmatch=True)


@given(st.dictionaries(CITIES, st.integers(0, 2**63 - 1)))
def test_what_is_written_is_read(positions):
    assert decode_positions(encode_positions(positions)) == positions


@given(st.text())
def test_anything_else_is_refused(text):
    try:
        decode_positions(text)
    except BadInput as error:
        assert error.hint


@pytest.mark.parametrize("text", ["x", "ä", "", "e30=" * 10_000, "eyJnaWVzc2VuIjotMX0", "eyJHIjoxfQ", "WzFd"])
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(BadInput):
        decode_positions(text)
