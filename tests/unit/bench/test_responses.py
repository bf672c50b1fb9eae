"""Where does an answer end? However it is cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.read.responses import BadResponse, ResponseReader

WITH_LENGTH = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 13\r\n\r\n{"data":null}'
CHUNKED = (
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n8\r\n{"data":\r\nA;note=x\r\n[1,2,3,4]}\r\n0\r\n\r\n'
)
EMPTY = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    bounds = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(bounds) if end > start]


@given(
    st.sampled_from([(WITH_LENGTH, 200, 13), (CHUNKED, 200, 18), (EMPTY, 204, 0)]),
    st.lists(st.integers(0, 500), max_size=20),
)
def test_it_ends_with_its_last_byte_and_not_before(answer, cuts):
    data, status, length = answer
    reader = ResponseReader()
    for _ in range(2):  # the next answer on the same connection is read anew
        ends = [reader.feed(piece) for piece in pieces(data, cuts)]
        assert ends == [False] * (len(ends) - 1) + [True]
        assert (reader.status, reader.length) == (status, length)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(WITH_LENGTH + b"x", id="more than announced"),
        pytest.param(CHUNKED + b"x", id="more after the last chunk"),
        pytest.param(CHUNKED.replace(b"A;", b"Z;"), id="no chunk size"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", id="no length"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="not 1.1"),
        pytest.param(b"x" * 20_000, id="no end of the head"),
    ],
)
def test_what_cannot_be_measured_is_refused(data):
    with pytest.raises(BadResponse):
        ResponseReader().feed(data)
