"""DPoP proofs (RFC 9449): whoever uses a token shows with each request that the token's key is its own. Pure.

Between nodes a proof also speaks of the request's body (`content_digest`, in the form of RFC 9530), which DPoP itself
leaves open. Not handled here: nonces, whether a proof was used before, the token.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode, urlsafe_b64encode
from functools import lru_cache
from typing import Annotated, Any, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from joserfc.jwk import ECKey

from federation.jose import (
    ALGORITHM,
    JwtError,
    decoded,
    encoded_header,
    json_object,
    public_key,
    sign_parts,
    split,
    thumbprint_key,
    verify_signature,
)

TYP = "dpop+jwt"
HEADER = "DPoP"
NONCE_HEADER = "DPoP-Nonce"
SCHEME = "DPoP"
MAX_BYTES = 2_048
MAX_AGE_S = 60
AHEAD_S = 10
HEADER_NAMES = frozenset({"typ", "alg", "jwk"})
KEYS = 8_192

_Digest = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{43}$")]


class ProofError(ValueError):
    """A proof is not accepted. `reason` is plain ASCII without foreign text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Claims(msgspec.Struct, omit_defaults=True):
    jti: Annotated[str, msgspec.Meta(pattern="^[!-~]{16,128}$")]
    htm: Annotated[str, msgspec.Meta(max_length=20)]
    htu: Annotated[str, msgspec.Meta(max_length=1_000)]
    iat: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
    ath: _Digest | None = None
    nonce: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    content_digest: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class Proof(msgspec.Struct, frozen=True):
    """A proof whose signature holds. `thumbprint` is its key's (RFC 7638), `digest` the SHA-256 of key and `jti`."""

    thumbprint: str
    digest: bytes
    method: str
    url: str
    issued_at: int
    token_digest: str | None
    nonce: str | None
    content_digest: str | None


class ProofKey:
    """A key that makes proofs. One that is made for a process and kept nowhere is enough: tokens are short-lived."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        point = key.as_dict(private=False)
        jwk = {"kty": "EC", "crv": "P-256", "x": point["x"], "y": point["y"]}
        self._header = encoded_header(typ=TYP, jwk=jwk)
        self.thumbprint = key.thumbprint()

    @property
    def private_jwk(self) -> dict[str, Any]:
        """The key with its private half, to hand it to another process of the same client."""
        return self._key.as_dict(private=True)

    @classmethod
    def new(cls) -> Self:
        """A key made now."""
        return cls(thumbprint_key(ECKey.generate_key("P-256")))

    def proof(
        self,
        method: str,
        url: str,
        now: int,
        *,
        token: str | None = None,
        nonce: str | None = None,
        body: bytes | None = None,
    ) -> str:
        """A proof for one request, which may carry a token, a nonce of the server, and a body to be spoken of."""
        claims = _Claims(
            secrets.token_urlsafe(16),
            method,
            url,
            now,
            None if token is None else token_digest(token),
            nonce,
            None if body is None else content_digest(body),
        )
        return sign_parts(self._header, _encode(claims), self._key)


def read_proof(proof: str) -> Proof:
    """The proof, once its form and signature hold.

    Raises:
        ProofError: they do not.
    """
    try:
        header, payload, _ = split(proof, MAX_BYTES)
        key, thumbprint = _key(header)
        claims = _decode(decoded(payload))
        verify_signature(proof.encode(), key)
    except JwtError as error:
        raise ProofError(error.reason.replace("the token", "the proof")) from None
    except (ValueError, RecursionError):  # msgspec's and binascii's errors among them
        raise ProofError(
            "its claims are not jti (16 to 128 characters), htm, htu, iat and what RFC 9449 adds"
        ) from None
    used = hashlib.sha256(f"{thumbprint} {claims.jti}".encode()).digest()
    return Proof(
        thumbprint, used, claims.htm, claims.htu, claims.iat, claims.ath, claims.nonce, claims.content_digest
    )  # fmt: skip


def check_proof(proof: Proof, method: str, url: str, now: float, token: str | None = None) -> None:
    """Check that a proof is for this request, of this minute, and for the token with this digest, if there is one.

    Raises:
        ProofError: it is not.
    """
    if proof.method != method:
        raise ProofError("htm is not the method of this request")
    if proof.url != url and proof.url.partition("?")[0].partition("#")[0] != url:
        raise ProofError(f"htu must be {url}")
    if proof.issued_at > now + AHEAD_S:
        raise ProofError(f"iat is more than {AHEAD_S} seconds ahead: check the clock")
    if proof.issued_at < now - MAX_AGE_S:
        raise ProofError(f"iat is more than {MAX_AGE_S} seconds ago: make a new proof for each request")
    if token is not None and proof.token_digest != token:
        raise ProofError("ath is not the digest of the token")


def token_digest(token: str) -> str:
    """The `ath` of a token."""
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest())[:-1].decode()


def content_digest(body: bytes) -> str:
    """The value of RFC 9530's Content-Digest for a body."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Claims).decode


@lru_cache(maxsize=KEYS)
def _key(header: bytes) -> tuple[EllipticCurvePublicKey, str]:
    """Key and thumbprint. A key's proofs all have the same header, so it is read once. Raises JwtError."""
    members = json_object(header)
    if members.get("alg") != ALGORITHM:
        raise JwtError(f"the token must be signed with {ALGORITHM}")
    if members.get("typ") != TYP:
        raise JwtError(f"the token's typ must be {TYP}")
    if set(members) != HEADER_NAMES or not isinstance(members["jwk"], dict):
        raise JwtError("the token's header must hold typ, alg and jwk, and nothing else")
    key = public_key(members["jwk"])
    return key.public_key, key.thumbprint()
