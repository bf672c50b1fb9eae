"""Receipts as an owner makes them, for owners that tests and benchmarks play."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import parse_qs

from joserfc.jwk import ECKey

from federation.jose import read_unverified
from federation.receipts import Receipt, digest, make_receipt

TRACEPARENT_ID = slice(3, 35)


def receipt_of(key: ECKey, owner: str, home: str, headers: Mapping[str, str], request: bytes, response: bytes) -> str:
    """The receipt of an exchange; `headers` are those of the request."""
    return make_receipt(
        Receipt(
            iss=owner,
            aud=home,
            iat=int(time.time()),
            request=digest(request),
            response=digest(response),
            proof=digest(headers["DPoP"].encode()),
            trace_id=headers["traceparent"][TRACEPARENT_ID],
        ),
        key,
    )


def home_of(token_request: bytes) -> str:
    """The node that asks for a token."""
    return read_unverified(parse_qs(token_request.decode())["client_assertion"][0]).claims["sub"]
