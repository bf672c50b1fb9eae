"""ES256 signatures apart from what they are on, so that they can be checked elsewhere than they were read. Pure."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

POINT_BYTES = 65  # uncompressed, SEC 1 §2.3.3
DIGEST_BYTES = 32
HALF_BYTES = 32  # of r and of s, RFC 7518 §3.4
SIZE = POINT_BYTES + DIGEST_BYTES + 2 * HALF_BYTES
KEYS = 8_192

_DIGEST_SIGNED = ECDSA(Prehashed(SHA256()))


class Signature(NamedTuple):
    """The key as a point, the SHA-256 of what is signed, and r and s, 32 bytes each."""

    point: bytes
    digest: bytes
    halves: bytes

    @classmethod
    def of(cls, point: bytes, signed: bytes, halves: bytes) -> Signature:
        """The signature of a text."""
        return cls(point, sha256(signed).digest(), halves)

    @classmethod
    def from_bytes(cls, data: bytes) -> Signature:
        """The inverse of `b"".join(signature)`, which is SIZE bytes."""
        end = POINT_BYTES + DIGEST_BYTES
        return cls(data[:POINT_BYTES], data[POINT_BYTES:end], data[end:])


def holds(signature: Signature) -> bool:
    """Whether the key made it. Takes 40 µs."""
    r, s = (int.from_bytes(half, "big") for half in (signature.halves[:HALF_BYTES], signature.halves[HALF_BYTES:]))
    try:
        _key(signature.point).verify(encode_dss_signature(r, s), signature.digest, _DIGEST_SIGNED)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=KEYS)
def _key(point: bytes) -> EllipticCurvePublicKey:
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
