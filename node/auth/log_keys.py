"""The node's Ed25519 keys: one signs the heads of its log, one cosigns those of other members as their witness.

They are made when a node first needs them. Notes name keys by texts: `<host>/log` and `<host>/witness`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from federation.log_keys import LogKeys, NamedKey, log_name, witness_name
from federation.tlog.note import COSIGNATURE, ED25519, verifier_key
from node.auth.keys import DIRECTORY_MODE, FILE_MODE, KeyFileError, passphrase_of, read_private
from node.settings import Settings


@dataclass(frozen=True, slots=True)
class NodeLogKeys:
    """Both keys of a node."""

    log: NamedKey
    witness: NamedKey

    @property
    def public(self) -> LogKeys:
        """What is published of them."""
        return LogKeys(self.log.key, self.witness.key)


def load_log_keys(settings: Settings) -> NodeLogKeys:
    """The node's keys, which are made if they are missing, encrypted if there is a passphrase.

    Raises:
        KeyFileError: a file can't be made or used.
    """
    passphrase = passphrase_of(settings)
    log = _load_or_create(settings.log_key_file, passphrase)
    witness = _load_or_create(settings.witness_key_file, passphrase)
    return NodeLogKeys(
        NamedKey(verifier_key(log_name(settings.issuer), ED25519, log), log),
        NamedKey(verifier_key(witness_name(settings.issuer), COSIGNATURE, witness), witness),
    )


def _load_or_create(path: Path, passphrase: bytes | None) -> Ed25519PrivateKey:
    if not path.exists():
        _create(path, passphrase)
    pem = read_private(path, "a node makes it at its first start")
    encrypted = b"ENCRYPTED" in pem
    if encrypted and passphrase is None:
        raise KeyFileError(f"{path} is encrypted: set key_passphrase_file or VERBUND_KEY_PASSPHRASE")
    try:
        key = load_pem_private_key(pem, password=passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} is not a private key in PEM (PKCS8), or its passphrase is another one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is not an Ed25519 key: logs and witnesses sign with nothing else")
    return key


def _create(path: Path, passphrase: bytes | None) -> None:
    """Whole or not at all: several workers start at once, and none may read half a key, or write over another's."""
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another worker was quicker
        finally:
            draft.unlink()
    except OSError as error:
        raise KeyFileError(f"{path} can't be made: {error.strerror}") from None
