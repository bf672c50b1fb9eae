"""The node's signing key: one ES256 key in a PEM file that only the node's user can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc.jwk import ECKey

from federation.jose import thumbprint_key

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


class KeyFileError(Exception):
    """A key file can't be made or used. The text names the file and the remedy."""


def create_signing_key(path: Path) -> ECKey:
    """Make an ES256 key and write it to `path` (PKCS8 PEM, mode 0600, in a directory of mode 0700).

    Raises:
        KeyFileError: the file exists, or can't be written.
    """
    key = thumbprint_key(ECKey.generate_key("P-256"))
    pem = _private(key).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
        # O_EXCL: never over a key that signs already; the mode is there from the first byte on
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        raise KeyFileError(f"{path} exists and is not overwritten: move it away if you want a new key") from None
    except OSError as error:
        raise KeyFileError(f"{path} can't be written: {error.strerror}") from None
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    return key


def load_signing_key(path: Path) -> ECKey:
    """Read the key in `path`; its `kid` is the RFC 7638 thumbprint.

    Raises:
        KeyFileError: missing, readable by others, or not an unencrypted P-256 key in PEM.
    """
    try:
        mode = path.stat().st_mode
        pem = path.read_bytes()
    except FileNotFoundError:
        raise KeyFileError(f"{path} does not exist; the node's own key is made by `verbund init`") from None
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise KeyFileError(f"{path} is open to other users of this machine: run chmod 600 {path}")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} is not an unencrypted private key in PEM (PKCS8)") from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise KeyFileError(f"{path} is not a P-256 key: ES256 is the only signature in use")
    return thumbprint_key(ECKey.import_key(key))


def load_public_key(pem: bytes) -> ECKey:
    """A public P-256 key in PEM; its `kid` is the RFC 7638 thumbprint.

    Raises:
        KeyFileError: anything else, a private key included.
    """
    if b"PRIVATE KEY" in pem:
        raise KeyFileError("this is a private key: hand over the public one (openssl pkey -pubout)")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError("this is not a public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise KeyFileError("this is not a P-256 key: ES256 is the only signature in use")
    return thumbprint_key(ECKey.import_key(key))


def public_pem(key: ECKey) -> str:
    """The public half as PEM."""
    return key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _private(key: ECKey) -> EllipticCurvePrivateKey:
    private = key.private_key
    if private is None:  # pragma: no cover - generate_key makes private keys
        raise KeyFileError("the key has no private half")
    return private
