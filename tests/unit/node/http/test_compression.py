"""Answers come out as they went in, and only what gains is compressed."""

from __future__ import annotations

import gzip
import os

import brotli
import pytest
from backports import zstd

from federation.beside import MANY
from node.http.compression import WORTH_IT, compressed
from node.http.negotiation import ENCODINGS, IDENTITY

DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}
ROW = b'{"phenomenonTime":"2026-01-01T00:00:00+00:00","result":12,"quality":"RAW"},'


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("rows", [WORTH_IT // len(ROW) + 1, MANY // len(ROW) + 1], ids=["small", "large"])
async def test_round_trip(encoding, rows):
    body = ROW * rows
    packed, coding = await compressed(body, encoding)
    assert coding == encoding
    assert len(packed) * 5 < len(body)
    assert DECODERS[encoding](packed) == body


async def test_small_and_incompressible_answers_stay():
    assert await compressed(ROW, "gzip") == (ROW, IDENTITY)
    noise = os.urandom(5_000)
    assert await compressed(noise, "zstd") == (noise, IDENTITY)
    assert await compressed(ROW * 100, IDENTITY) == (ROW * 100, IDENTITY)
