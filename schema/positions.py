"""Cursors of observations as they arrive: for each city a position in the order of its arrivals. Pure.

The text is URL-safe base64 of a JSON object, `{"giessen": 1764150000000000, …}`. Positions are times of the city's
clock in microseconds. A cursor carries no rights, and serves at any node.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated

import msgspec

from schema.errors import BadInput

MAX_LENGTH = 8_192
_Position = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_City = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{1,30}$")]
_Decoder = msgspec.json.Decoder(dict[_City, _Position])
_Encoder = msgspec.json.Encoder(order="sorted")


def encode_positions(positions: Mapping[str, int]) -> str:
    """The cursor as opaque text."""
    return base64.urlsafe_b64encode(_Encoder.encode(positions)).rstrip(b"=").decode()


def decode_positions(text: str) -> dict[str, int]:
    """The position for each city. Raises BadInput."""
    if len(text) <= MAX_LENGTH:
        try:
            return _Decoder.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        except (binascii.Error, msgspec.DecodeError, ValueError):
            pass
    raise BadInput("after: this is not a cursor of arrivals", hint="take it from the field `cursor` of a batch")
