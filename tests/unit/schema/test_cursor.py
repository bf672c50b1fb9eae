"""Cursors survive the round trip and refuse what is not theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.cursor import Cursor, Position, binding_of, decode, encode
from schema.errors import BadInput

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_position = st.builds(Position, _text, _text, _text)


@given(st.builds(Cursor, _text, _position, st.dictionaries(_text, st.none() | _position, max_size=4)))
def test_round_trip(cursor):
    assert decode(encode(cursor), cursor.binding) == cursor


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.hex()))
def test_garbage_is_bad_input(text):
    with pytest.raises(BadInput):
        decode(text, "b")


@pytest.mark.parametrize(
    "payload", ["W10", "WzEsMl0", "eyJhIjoxfQ", "WzIsImIiLCJzIiwiYyIsImsiXQ", "WzEsImIiLCJzIiwiYyIsM10", "A" * 20_000]
)
def test_malformed_payloads_are_bad_input(payload):
    with pytest.raises(BadInput, match="not a cursor"):
        decode(payload, "b")


def test_a_cursor_of_another_query_is_refused():
    cursor = Cursor(binding_of("datasets", {"filter": {"text": "rad"}}), Position("a", "b", "c"))
    with pytest.raises(BadInput, match="another query"):
        decode(encode(cursor), binding_of("datasets", {"filter": {"text": "auto"}}))


def test_the_binding_leaves_out_only_what_may_change_from_page_to_page():
    base = {"cities": ["fulda"], "filter": {"a": 1}, "orderBy": "X"}
    same = binding_of("datasets", base | {"first": 5, "after": "x", "require": "ALL", "none": None})
    assert binding_of("datasets", base) == same
    assert binding_of("things", base) != same
    for name, value in (("cities", ["fulda", "giessen"]), ("filter", {"a": 2}), ("orderBy", "Y")):
        assert binding_of("datasets", base | {name: value}) != same


def test_a_cursor_with_a_nul_is_refused():
    with pytest.raises(BadInput, match="not a cursor"):
        decode(encode(Cursor("b", Position("s", "c", "a\x00b"))), "b")
