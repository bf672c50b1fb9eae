"""An answer of many bytes takes no more memory than those, and is looked at once, whatever it consists of."""

from __future__ import annotations

import tracemalloc

import pytest

from federation.connection import PeerResponse
from federation.envelope import MAX_ERRORS_BYTES, read_envelope
from federation.errors import PeerIncompatible

MB = 1_000_000


def read(body: bytes):
    return read_envelope(PeerResponse(200, body, "application/json"))


@pytest.mark.parametrize(
    ("begin", "item", "end"),
    [
        pytest.param(b'{"errors": [', b"{}", b"]}", id="errors"),
        pytest.param(b'{"errors": [{"extensions": {"a": [', b"[]", b"]}}]}", id="in an error"),
        pytest.param(b'{"data": {"r": 1, "x": [', b"{}", b"]}}", id="what nobody asked for"),
        pytest.param(b'{"data": {"r": 1}, "extensions": [', b"{}", b"]}", id="beside it"),
    ],
)
def test_a_flood_of_small_things_fills_no_memory(begin, item, end):
    body = begin + b",".join([item] * (MB // len(item))) + end
    tracemalloc.start()
    try:
        if b"errors" in begin:
            with pytest.raises(PeerIncompatible, match="errors are longer"):
                read(body)
        else:
            assert {key: bytes(value) for key, value in read(body).data.items()} == {"r": b"1"}
        assert tracemalloc.get_traced_memory()[1] < MB
    finally:
        tracemalloc.stop()


def test_a_flood_of_fields_fills_no_memory_either():
    body = b'{"data": {%b, "r": 1}}' % b",".join(b'"f%d": 0' % number for number in range(100_000))
    tracemalloc.start()
    try:
        assert bytes(read(body).data["r"]) == b"1"
        assert tracemalloc.get_traced_memory()[1] < MB
    finally:
        tracemalloc.stop()


def test_errors_that_anybody_might_read_are_read():
    long = "x" * (MAX_ERRORS_BYTES - 100)
    (problem,) = read(b'{"errors": [{"message": "%b", "extensions": {"code": "A"}}]}' % long.encode()).errors
    assert (problem.code, len(problem.message)) == ("A", len(long))


@pytest.mark.parametrize(
    ("body", "data"), [(b"{}", None), (b'{"data": null}', None), (b'{"data": {}}', {}), (b'{"data": {"x": 1}}', {})]
)
def test_what_is_missing_is_not_there(body, data):
    envelope = read(body)
    assert (envelope.data, envelope.errors) == (data, [])


def test_null_is_an_answer():
    assert {key: bytes(value) for key, value in read(b'{"data": {"r": null}}').data.items()} == {"r": b"null"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"data": 1}', b'{"errors": {}}', b'{"errors": [1]}', b'{"data": {"r": }}']
)
def test_what_is_no_graphql(body):
    with pytest.raises(PeerIncompatible, match="not GraphQL"):
        read(body)
