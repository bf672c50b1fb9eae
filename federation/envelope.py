"""A peer's GraphQL answer, decoded as far as what was asked for: however large, it costs a look at its bytes. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from federation.connection import PeerResponse
from federation.errors import PeerDenied, PeerIncompatible, PeerUnreachable
from federation.question import ALIAS
from federation.receipts import HEADER as RECEIPT
from federation.repeat import CANT_SERVE

MAX_ERRORS_BYTES = 64_000  # decoded they take forty times as much, and most of a second for each MB


class PeerProblem(msgspec.Struct):
    """An error in a peer's GraphQL answer."""

    message: str = ""
    extensions: dict[str, Any] = {}

    @property
    def code(self) -> str:
        """Its stable code."""
        return str(self.extensions.get("code", ""))


class Envelope(msgspec.Struct):
    """A peer's GraphQL answer, the fields of `data` still as bytes.

    `receipt` came with it; `request` is the SHA-256 of the body that was asked with.
    """

    data: dict[str, msgspec.Raw] | None = None
    errors: list[PeerProblem] = []
    receipt: str = ""
    request: bytes = b""


class _Data(msgspec.Struct):
    """Only what was asked for: a peer that sends a million other fields is not to fill the memory."""

    answer: msgspec.Raw | msgspec.UnsetType = msgspec.field(name=ALIAS, default=msgspec.UNSET)


class _Body(msgspec.Struct):
    data: _Data | None = None
    errors: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_read_body = msgspec.json.Decoder(_Body).decode
_read_problems = msgspec.json.Decoder(list[PeerProblem]).decode


def read_envelope(response: PeerResponse) -> Envelope:
    """The envelope of a response. Raises PeerError."""
    if response.status in {401, 403}:
        raise PeerDenied("it refused the request")
    if response.status in CANT_SERVE:
        raise PeerUnreachable("it can't serve at the moment")
    if response.status != 200:
        raise PeerIncompatible(f"it answered with HTTP status {response.status}")
    try:
        body = _read_body(response.body)
        problems = [] if body.errors is msgspec.UNSET else _problems(body.errors)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerIncompatible("its answer is not GraphQL over JSON") from error
    data: dict[str, msgspec.Raw] | None = None
    if body.data is not None:
        data = {} if body.data.answer is msgspec.UNSET else {ALIAS: body.data.answer}
    return Envelope(data, problems, response.headers.get(RECEIPT, ""))


def _problems(errors: msgspec.Raw) -> list[PeerProblem]:
    if memoryview(errors).nbytes > MAX_ERRORS_BYTES:
        raise PeerIncompatible(f"its errors are longer than {MAX_ERRORS_BYTES} bytes")
    return _read_problems(errors)
