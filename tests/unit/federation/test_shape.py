"""A peer's JSON must fit the schema before any of it goes into an answer."""

from __future__ import annotations

import pytest
from graphql import build_schema

from federation.errors import PeerIncompatible
from federation.shape import Shapes
from schema.selection import Field

SHAPES = Shapes(
    build_schema(
        """
        scalar DateTime
        enum Quality { RAW CHECKED }
        type Query { series: Result! }
        type Result { series: [Series!]! }
        type Series { id: ID! purposes: [ID!] city: String! number: Int! unit: Float times: [DateTime!]! ends: [DateTime]
            values: [Float]! qualities: [Quality!]! }
        """
    )
)


def check(answer: bytes, *names: str) -> None:
    leaves = tuple(Field(name, f"{name}_", "", {}, {}) for name in names)
    root = Field("series", "r", "Result", {}, {}, (Field("series", "s", "Series", {}, {}, leaves),))
    SHAPES.check("fulda", f"{names}", root, b'{"s": [%s]}' % answer)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("number", [b"0", b"2147483647", b"-2147483648"], [b"2147483648", b"1.5", b"1e1", b"null", b'"1"', b"9" * 300]),
        ("unit", [b"1", b"null", b"-1.5e300"], [b"NaN", b"Infinity", b"-Infinity", b"1e400", b'"1"', b"[]"]),
        ("id", [b'"fulda:datastream:x"'], [b'"giessen:datastream:x"', b'"x"', b"1"]),
        ("purposes", [b'["research"]', b"[]", b"null"], [b'"research"', b"[1]", b"[null]"]),
        ("city", [b'"fulda"'], [b'"giessen"', b"null"]),
        ("times", [b"[]", b'["2026-01-01T00:00:00Z"]'], [b'["2026-01-01T00:00:00"]', b"[null]", b'["x"]', b"null"]),
        ("values", [b"[null, 1, 2.5]"], [b'[null, "1"]', b"[NaN]", b"{}"]),
        ("qualities", [b'["RAW"]'], [b'["raw"]', b"[1]"]),
    ],
)
def test_values_fit_their_type(name, good, bad):
    for value in good:
        check(b'{"%s_": %s}' % (name.encode(), value), name)
    for value in bad:
        with pytest.raises(PeerIncompatible):
            check(b'{"%s_": %s}' % (name.encode(), value), name)


def test_columns_of_a_series_are_of_equal_length():
    at = b'"2026-01-01T00:00:00Z"'
    names = ("times", "values", "ends")
    check(b'{"times_": [%s], "values_": [1], "ends_": [null]}' % at, *names)
    check(b'{"times_": [%s], "values_": [1], "ends_": null}' % at, *names)
    check(b'{"times_": [], "values_": [], "ends_": []}', *names)
    for answer in (
        b'{"times_": [%s], "values_": [], "ends_": [null]}',
        b'{"times_": [%s], "values_": [1], "ends_": []}',
        b'{"times_": [%s], "values_": [1, 2], "ends_": null}',
    ):
        with pytest.raises(PeerIncompatible, match="does not fit"):
            check(answer % at, *names)


def test_nothing_more_and_nothing_less():
    for answer in (b"{}", b'{"city_": "fulda", "more": 1}', b'{"city": "fulda"}', b"null", b"[]"):
        with pytest.raises(PeerIncompatible):
            check(answer, "city")
