"""JOSE as the federation uses it: ES256 only, the key named by `kid`, an explicit `typ`. Pure.

The library's defaults are wider (HS256 and RS256 are allowed, a key is picked at random, list claims and any `typ`
pass), so every token of ours goes through here, and what signs and verifies knows one algorithm: there is nothing that
a header could choose. Not handled here: claims, replay, where keys come from.
"""

from __future__ import annotations

import json
import re
from binascii import a2b_base64
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NewType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from joserfc.util import urlsafe_b64encode

ALGORITHM = "ES256"
MAX_TOKEN_BYTES = 8_192
MAX_HEADER_BYTES = 512
MAX_KEYS = 8
HEADER_NAMES = frozenset({"alg", "kid", "typ"})
PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})

_TOKEN = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")
_ES256 = ECDSA(SHA256())
_HALF = 32  # bytes of r and of s
_STANDARD = bytes.maketrans(b"-_", b"+/")

VerifiedClaims = NewType("VerifiedClaims", dict[str, Any])


class JwtError(ValueError):
    """A token or a key can't be accepted. `reason` is plain ASCII without foreign text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownKey(JwtError):
    """It may be good elsewhere: none of the keys that count here has its `kid`."""


@dataclass(frozen=True)
class Unverified:
    """What a token says of itself. Good for finding the key that must prove it, and for nothing else."""

    header: dict[str, Any]
    claims: dict[str, Any]


def read_unverified(token: str | bytes, max_bytes: int = MAX_TOKEN_BYTES) -> Unverified:
    """Split a compact JWS and check its form: size, ES256, a `kid`, no header names but `alg`, `kid`, `typ`.

    Raises:
        JwtError: the form is wrong.
    """
    header, claims, _ = split(token, max_bytes)
    _header(header)
    return Unverified(json_object(header), json_object(claims))


def split(token: str | bytes, max_bytes: int) -> tuple[bytes, bytes, bytes]:
    """The three parts of a compact JWS, still encoded.

    Raises:
        JwtError: it is none, or it is too long.
    """
    data = _ascii(token)
    if len(data) > max_bytes:
        raise JwtError(f"the token is longer than {max_bytes} bytes")
    if not _TOKEN.fullmatch(data):
        raise JwtError("not a signed JWT: three base64url parts with dots between them are expected")
    header, claims, signature = data.split(b".")
    if len(header) > MAX_HEADER_BYTES:
        raise JwtError(f"the token's header is longer than {MAX_HEADER_BYTES} bytes")
    return header, claims, signature


def verify(
    token: str | bytes,
    keys: KeySet,
    typ: Collection[str | None],
    max_bytes: int = MAX_TOKEN_BYTES,
) -> VerifiedClaims:
    """The claims of a token that one of `keys` signed and whose `typ` is among `typ` (None: absent is allowed).

    Raises:
        JwtError: form, `typ`, `kid` or signature is wrong.
    """
    return VerifiedClaims(json_object(verified_payload(token, keys, typ, max_bytes)))


def verified_payload(token: str | bytes, keys: KeySet, typ: Collection[str | None], max_bytes: int) -> bytes:
    """As `verify`, but the second part as it came, still encoded, for who knows its form."""
    header, payload, _ = split(token, max_bytes)
    kid, found = _header(header)
    if found not in typ:
        raise JwtError(f"the token's typ must be {' or '.join(sorted(name for name in typ if name))}")
    key = next((key for key in keys.keys if key.kid == kid), None)
    if not isinstance(key, ECKey):
        raise UnknownKey("the token's kid names no key of its issuer")
    verify_signature(_ascii(token), key.public_key)
    return payload


@lru_cache(maxsize=1_024)
def _header(part: bytes) -> tuple[str, str | None]:
    """`kid` and `typ` of a header; a key's tokens all have the same one. Raises JwtError."""
    header = json_object(part)
    if header.get("alg") != ALGORITHM:
        raise JwtError(f"the token must be signed with {ALGORITHM}")
    if set(header) - HEADER_NAMES:
        raise JwtError("the token's header may hold alg, kid and typ only")
    if not isinstance(header.get("kid"), str):
        raise JwtError("the token's header must name its key: kid is missing")
    if not isinstance(header.get("typ", ""), str):
        raise JwtError("the token's typ must be a string")
    return header["kid"], header.get("typ")


def sign(claims: dict[str, Any], key: ECKey, typ: str) -> str:
    """A compact JWS over `claims` with `alg`, `kid` and `typ` in its header."""
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return sign_parts(encoded_header(kid=key.kid, typ=typ), payload, key)


def encoded_header(**members: Any) -> bytes:
    """A JWS header with `alg` and these members, as the first part of a compact JWS."""
    return urlsafe_b64encode(json.dumps({"alg": ALGORITHM, **members}, separators=(",", ":")).encode())


def sign_parts(header: bytes, payload: bytes, key: ECKey) -> str:
    """The compact JWS of an encoded header and a payload (RFC 7515 §7.1, RFC 7518 §3.4)."""
    private = key.private_key
    if private is None:
        raise ValueError("the key has no private half")
    signed = header + b"." + urlsafe_b64encode(payload)
    r, s = decode_dss_signature(private.sign(signed, _ES256))
    signature = urlsafe_b64encode(r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"))
    return (signed + b"." + signature).decode()


def verify_signature(token: bytes, key: EllipticCurvePublicKey) -> None:
    """Check the signature of a compact JWS whose form is checked already.

    Raises:
        JwtError: `key` did not sign it.
    """
    signed, _, encoded = token.rpartition(b".")
    try:
        signature = decoded(encoded)
        r, s = (int.from_bytes(half, "big") for half in (signature[:_HALF], signature[_HALF:]))
        # one signature has one spelling, so that a token that was used can't come back in other letters
        is_canonical = len(signature) == 2 * _HALF and urlsafe_b64encode(signature) == encoded
        key.verify(encode_dss_signature(r, s) if is_canonical else b"", signed, _ES256)
    except (InvalidSignature, ValueError):
        raise JwtError("the token's signature is wrong") from None


def public_keys(jwks: object) -> KeySet:
    """The key set of a JWKS document (RFC 7517): 1 to 8 public P-256 keys, each with a `kid` of its own.

    Raises:
        JwtError: other kinds of keys, private parts, a missing or repeated `kid`.
    """
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
        raise JwtError(f'a key set is an object {{"keys": [...]}} with 1 to {MAX_KEYS} keys')
    imported = [_public_key(key) for key in keys]
    if len({key.kid for key in imported}) < len(imported):
        raise JwtError("two keys of the set have the same kid")
    return KeySet(list(imported))


def public_jwks(*keys: ECKey) -> dict[str, Any]:
    """The JWKS document (RFC 7517) with the public halves of `keys`."""
    return {"keys": [_public_members(key) for key in keys]}


def thumbprint_key(key: ECKey) -> ECKey:
    """The same key with its RFC 7638 thumbprint as `kid`."""
    return ECKey.import_key(key.raw_value, {"kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM})


def _public_key(data: object) -> ECKey:
    if not isinstance(data, dict):
        raise JwtError("each key of a key set is a JSON object")
    kid = data.get("kid")
    named = isinstance(kid, str) and _KID.fullmatch(kid)
    key = public_key(data, kid if named else None)
    if not named:
        raise JwtError("a key has no kid of 1 to 128 letters, digits and . _ ~ -")
    return key


def public_key(data: dict[str, Any], kid: str | None = None) -> ECKey:
    """The public P-256 key in a JWK (RFC 7517), under this `kid` or its RFC 7638 thumbprint.

    Raises:
        JwtError: it is of another kind, or has private parts.
    """
    if PRIVATE_PARTS & set(data):
        raise JwtError("a key holds private parts: publish public keys only, and replace this key, it is known now")
    if data.get("kty") != "EC" or data.get("crv") != "P-256":
        raise JwtError("a key is not of kty EC with crv P-256")
    if data.get("use", "sig") != "sig" or data.get("alg", ALGORITHM) != ALGORITHM:
        raise JwtError(f"a key is not meant for signatures with {ALGORITHM}")
    point = {name: data.get(name) for name in ("x", "y")}
    if not all(isinstance(value, str) and _COORDINATE.fullmatch(value) for value in point.values()):
        raise JwtError("a key's x and y are not 32 bytes in base64url")
    try:
        key = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": data["x"], "y": data["y"]})
        return ECKey.import_key(key.raw_value, {"kid": kid or key.thumbprint(), "use": "sig", "alg": ALGORITHM})
    except (JoseError, ValueError):
        raise JwtError("a key's x and y are not a point of P-256") from None


def _public_members(key: ECKey) -> dict[str, Any]:
    point = key.as_dict(private=False)
    form = {"kty": "EC", "crv": "P-256", "x": point["x"], "y": point["y"]}
    return {**form, "kid": key.kid, "use": "sig", "alg": ALGORITHM}


def json_object(part: bytes) -> dict[str, Any]:
    """The JSON object in one part of a compact JWS. Raises JwtError."""
    try:
        text = decoded(part).decode()
        value = json.loads(text)
        if "\\u" in text:  # an escape may stand for half a character, which nothing can write down
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise JwtError("not a signed JWT: header or claims are not JSON") from None
    if not isinstance(value, dict):
        raise JwtError("not a signed JWT: header and claims must be JSON objects")
    return value


def decoded(part: bytes) -> bytes:
    """The bytes of one part of a compact JWS (RFC 7515 §2). Raises ValueError."""
    return a2b_base64(part.translate(_STANDARD) + b"=" * (-len(part) % 4), strict_mode=True)


def _ascii(token: str | bytes) -> bytes:
    try:
        return token.encode("ascii") if isinstance(token, str) else token
    except UnicodeEncodeError:
        raise JwtError("not a signed JWT: it holds characters beyond ASCII") from None
