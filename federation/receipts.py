"""Receipts: an owner signs what it was asked and what it answered, the home node checks and keeps it. Pure.

A receipt is a compact JWS (ES256, `typ` receipt+jwt) in a header of the answer. It names the request by the digest of
its body and by the digest of its DPoP proof, which is used once: so the answer to one request can't pass for the answer
to another, not even to one with the same body. It holds digests and references, never data.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Annotated

import msgspec
from joserfc.jwk import ECKey, KeySet

from federation.jose import JwtError, decoded, encoded_header, sign_parts, verified_payload

TYP = "receipt+jwt"
HEADER = "Verbund-Receipt"
MAX_BYTES = 6_000  # less than what HTTP clients take for a header
CLOCK_SKEW_S = 60
MAX_ENTRIES = 20
MAX_OBLIGATIONS = 20
MAX_SENTENCE = 200  # characters

_Digest = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{43}$")]
_Issuer = Annotated[str, msgspec.Meta(max_length=200)]
_Word = Annotated[str, msgspec.Meta(max_length=100, pattern="^[!-~]*$")]
_Sentence = Annotated[str, msgspec.Meta(max_length=MAX_SENTENCE, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]*$")]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner states about one exchange.

    `iss`, `aud`: issuers of the owner and of the home node. `iat`: seconds since 1970. `request`, `response`: SHA-256
    of the bodies, `proof`: of the DPoP proof that came with the request, all base64url (`digest`). `trace_id`: W3C.
    `entries`: the owner's access records of this exchange, as its log names them. `policy_version`: of the policy that
    decided. `obligations`: what was done to the data before it left, as the federation report tells it.
    """

    iss: _Issuer
    aud: _Issuer
    iat: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
    request: _Digest
    response: _Digest
    proof: _Digest
    trace_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    entries: Annotated[tuple[_Word, ...], msgspec.Meta(max_length=MAX_ENTRIES)] = ()
    policy_version: _Word = ""
    obligations: Annotated[tuple[_Sentence, ...], msgspec.Meta(max_length=MAX_OBLIGATIONS)] = ()


class Exchange(msgspec.Struct, frozen=True):
    """What the home node knows of an exchange: the bodies, and the proof that it sent."""

    request: bytes
    response: bytes
    proof: str
    trace_id: str


class ReceiptError(ValueError):
    """A receipt is missing or does not fit the exchange. `reason` is plain ASCII without foreign text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_Encoder = msgspec.json.Encoder()
_decode = msgspec.json.Decoder(Receipt).decode


def digest(content: bytes) -> str:
    """SHA-256 in base64url without padding."""
    return urlsafe_b64encode(hashlib.sha256(content).digest())[:-1].decode()


def make_receipt(receipt: Receipt, key: ECKey) -> str:
    """The receipt, signed with the owner's key."""
    return sign_parts(encoded_header(kid=key.kid, typ=TYP), _Encoder.encode(receipt), key)


def verify_receipt(
    token: str | None, keys: KeySet, *, owner: str, home: str, exchange: Exchange, now: float
) -> Receipt:
    """The receipt in `token`, if a key of the owner signed it for this home node and this very exchange.

    `owner`, `home`: issuers. `now`: seconds since 1970.

    Raises:
        ReceiptError: there is none, it is malformed, or it is of another owner, home node, time or exchange.
    """
    if token is None:
        raise ReceiptError("its answer carries no receipt")
    receipt = read_receipt(token, keys, owner=owner, home=home)
    if abs(receipt.iat - now) > CLOCK_SKEW_S:
        raise ReceiptError("its receipt is not of this minute: compare the clocks")
    if receipt.request != digest(exchange.request) or receipt.trace_id != exchange.trace_id:
        raise ReceiptError("its receipt is for another request")
    if receipt.proof != digest(exchange.proof.encode()):
        raise ReceiptError("its receipt is for another request: the answers of two requests may have been swapped")
    if receipt.response != digest(exchange.response):
        raise ReceiptError("its receipt is for another answer: what arrived is not what the owner sent")
    return receipt


def read_receipt(token: str, keys: KeySet, *, owner: str, home: str) -> Receipt:
    """The receipt in `token`, if a key of the owner signed it for this home node: whatever its time and exchange.

    Raises:
        ReceiptError: it is malformed, or of another owner or home node.
    """
    try:
        receipt = _decode(decoded(verified_payload(token, keys, {TYP}, MAX_BYTES)))
    except JwtError as error:
        raise ReceiptError(f"its receipt is not accepted: {error.reason}") from None
    except (ValueError, RecursionError):  # msgspec's and binascii's errors among them
        raise ReceiptError("its receipt is malformed") from None
    if (receipt.iss, receipt.aud) != (owner, home):
        raise ReceiptError("its receipt is of another owner or for another node")
    return receipt
