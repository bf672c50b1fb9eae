"""Key files: one P-256 key in PEM, readable by the node's user alone, encrypted if there is a passphrase."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc.jwk import ECKey

from federation.jose import thumbprint_key
from node.settings import Settings

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
MAX_BYTES = 16_384
MIN_PASSPHRASE = 12


class KeyFileError(Exception):
    """A key file can't be made or used. The text names the file and the remedy."""


def create_signing_key(path: Path, passphrase: bytes | None = None) -> ECKey:
    """Make an ES256 key and write it to `path` (PKCS8 PEM, mode 0600, in a directory of mode 0700).

    Raises:
        KeyFileError: the file exists, or can't be written.
    """
    private = generate_private_key(SECP256R1())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
        # O_EXCL: never over a key that signs already; the mode is there from the first byte on
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        raise KeyFileError(f"{path} exists and is not overwritten: move it away if you want a new key") from None
    except OSError as error:
        raise KeyFileError(f"{path} can't be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(private_pem(private, passphrase))
    except OSError as error:
        path.unlink()  # half a key would pass for one that is there
        raise KeyFileError(f"{path} can't be written: {error.strerror}") from None
    return thumbprint_key(ECKey.import_key(private))


def load_signing_key(path: Path, passphrase: bytes | None = None) -> ECKey:
    """Read the key in `path`; its `kid` is the RFC 7638 thumbprint.

    Raises:
        KeyFileError: missing, open to others, not a P-256 key in PEM, or encrypted otherwise than `passphrase` says.
    """
    pem = read_private(path, "the node's own keys are made by `verbund init`")
    try:
        key = _in_the_clear(path, pem)
    except TypeError:
        key = _decrypted(path, pem, passphrase)
    else:
        if passphrase is not None:
            raise KeyFileError(f"{path} is not encrypted, though there is a passphrase: run `verbund key encrypt`")
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise KeyFileError(f"{path} is not a P-256 key: ES256 is the only signature in use")
    return thumbprint_key(ECKey.import_key(key))


def encrypt_key_file(path: Path, passphrase: bytes) -> bool:
    """Encrypt a key that lies in the clear, in one step; False if it is encrypted with `passphrase` already.

    Of any kind: those of the log are not P-256.

    Raises:
        KeyFileError: the key can't be read or written.
    """
    pem = read_private(path, "there is no such key")
    if b"ENCRYPTED" in pem:
        _decrypted(path, pem, passphrase)
        return False
    encrypted = private_pem(_in_the_clear(path, pem), passphrase)
    part = path.with_name(f"{path.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(encrypted)
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise KeyFileError(f"{path} can't be encrypted: {error.strerror}") from None
    return True


def read_private(path: Path, remedy: str) -> bytes:
    """A file with a secret, if nobody else can read it.

    A file of another owner, such as a mounted secret, may be readable by the node's group: that is how it reaches us.

    Raises:
        KeyFileError: missing, unreadable, too large, or open to others; with `remedy` where it is missing.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise KeyFileError(f"{path} does not exist: {remedy}") from None
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}") from None
    is_ours = status.st_uid == os.geteuid()
    if stat.S_IMODE(status.st_mode) & (0o077 if is_ours else 0o037):
        raise KeyFileError(f"{path} is open to other users of this machine: run chmod 600 {path}")
    if len(content) > MAX_BYTES:
        raise KeyFileError(f"{path} is larger than {MAX_BYTES} bytes: this is no key")
    return content


def read_passphrase(path: Path) -> bytes:
    """The passphrase in a file: its first line.

    Raises:
        KeyFileError: the file can't be used, or the passphrase is too short.
    """
    return checked_passphrase(read_private(path, "put the passphrase of the keys there").partition(b"\n")[0].strip())


def passphrase_of(settings: Settings) -> bytes | None:
    """The passphrase of the node's keys, if there is one. Raises KeyFileError if it can't be used."""
    if settings.key_passphrase_file is not None:
        return read_passphrase(settings.home / settings.key_passphrase_file)
    if settings.key_passphrase is not None:
        return checked_passphrase(settings.key_passphrase.reveal().encode())
    return None


def checked_passphrase(passphrase: bytes) -> bytes:
    """The passphrase, if it is long enough to be one.

    Raises:
        KeyFileError: it is not.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise KeyFileError(
            f"the passphrase of the keys is shorter than {MIN_PASSPHRASE} characters: choose a longer one"
        )
    return passphrase


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


def private_pem(key: PrivateKeyTypes, passphrase: bytes | None) -> bytes:
    """A private key of any kind as PEM (PKCS8), encrypted if there is a passphrase."""
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _in_the_clear(path: Path, pem: bytes) -> PrivateKeyTypes:
    """Raises TypeError if it is encrypted."""
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} is not a private key in PEM (PKCS8)") from None


def _decrypted(path: Path, pem: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    if passphrase is None:
        raise KeyFileError(f"{path} is encrypted: set key_passphrase_file or VERBUND_KEY_PASSPHRASE")
    try:
        return load_pem_private_key(pem, password=passphrase)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} can't be decrypted: the passphrase is another one") from None
