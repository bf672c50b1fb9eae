"""The node's Ed25519 keys: they sign the heads of its log, and cosign those of other members as their witness.

The first ones are made when a node first needs them. Notes name keys by texts: `<host>/log` and `<host>/witness`. A
file's name says from when on its key is in use: `log.pem` from the beginning, `log-20261201T120000Z.pem` from that
second on.
Keys that were replaced stay: what they have signed is checked for as long as the log is kept.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from federation.log_keys import LogKeys, NamedKey, log_name, witness_name
from federation.tlog.note import COSIGNATURE, ED25519, VerifierKey, verifier_key
from node.auth.key_directory import REVOKED
from node.auth.keys import DIRECTORY_MODE, FILE_MODE, KeyFileError, passphrase_of, private_pem, read_private
from node.settings import Settings

log = logging.getLogger(__name__)

CHECK_EVERY_S = 1.0
PUBLISHED_S = 86_400  # after another key has taken its place
_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(?P<use>log|witness)(-(?P<at>\d{8}T\d{6}Z))?(?P<revoked>-revoked-\d{8}T\d{6}Z)?\.pem")


class LogKeyUse(StrEnum):
    """What a key is for; also the beginning of its file's name."""

    LOG = "log"
    WITNESS = "witness"


@dataclass(frozen=True, slots=True)
class HeldLogKey:
    """A key with its file. `active_from`: seconds since 1970."""

    use: LogKeyUse
    active_from: int
    named: NamedKey
    file: Path
    is_revoked: bool

    @property
    def kid(self) -> str:
        """Its id in notes, in hex."""
        return self.named.key.id.hex()


class NodeLogKeys:
    """The keys of a node, read again when the directory changes, at most once a second."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._checked = clock()
        self._names = _names(settings.keys_home)
        self._held = _read(settings)

    @property
    def log(self) -> NamedKey:
        """The key that signs heads now."""
        return self._now(LogKeyUse.LOG)[0].named

    @property
    def witness(self) -> NamedKey:
        """The key that cosigns now."""
        return self._now(LogKeyUse.WITNESS)[0].named

    @property
    def public(self) -> LogKeys:
        """What is published of them."""
        logs, witnesses = (self._published(use) for use in LogKeyUse)
        return LogKeys(logs[0], witnesses[0], logs[1:], witnesses[1:])

    @property
    def all(self) -> Sequence[HeldLogKey]:
        """All keys that there have been, by use, the newest first."""
        self._refresh()
        return self._held

    @property
    def of_log(self) -> tuple[NamedKey, ...]:
        """All that may have signed a head of the log."""
        return tuple(held.named for held in self.all if held.use is LogKeyUse.LOG)

    def state(self, held: HeldLogKey) -> str:
        """What it is doing now, in a word."""
        if held.is_revoked:
            return "revoked"
        if held.active_from > self._clock():
            return "announced"
        return "in use" if held.file == self._now(held.use)[0].file else "former"

    def _now(self, use: LogKeyUse) -> list[HeldLogKey]:
        """Those that are or were in use, the newest first."""
        now = self._clock()
        return [held for held in self.all if held.use is use and not held.is_revoked and held.active_from <= now]

    def _published(self, use: LogKeyUse) -> tuple[VerifierKey, ...]:
        """The one in use, those announced, and those replaced within a day."""
        now, (current, *former) = self._clock(), self._now(use)
        announced = [held for held in self.all if held.use is use and not held.is_revoked and held.active_from > now]
        ended = [current.active_from, *(held.active_from for held in former)]
        recent = [held for held, end in zip(former, ended, strict=False) if end > now - PUBLISHED_S]
        return tuple(held.named.key for held in (current, *announced, *recent))

    def _refresh(self) -> None:
        now = self._clock()
        if abs(now - self._checked) < CHECK_EVERY_S:
            return
        self._checked = now
        try:
            names = _names(self._settings.keys_home)
            if names != self._names:
                self._held, self._names = _read(self._settings), names
        except (KeyFileError, OSError) as error:
            log.error("the keys of the log can't be read again; those that are known are used: %s", error)  # noqa: TRY400


def load_log_keys(settings: Settings) -> NodeLogKeys:
    """The node's keys, which are made if they are missing, encrypted if there is a passphrase.

    Raises:
        KeyFileError: a file can't be made or used.
    """
    return NodeLogKeys(settings)


def add_log_key(settings: Settings, use: LogKeyUse, active_from: int) -> HeldLogKey:
    """Make a key that is in use from then on (seconds since 1970). Raises KeyFileError."""
    path = settings.keys_home / f"{use}-{datetime.fromtimestamp(active_from, UTC):{_TIME}}.pem"
    if path.exists():
        raise KeyFileError(f"{path} is there already: try again in a second")
    return _held(settings, path, passphrase_of(settings))


def revoke_log_key(settings: Settings, held: HeldLogKey, now: int) -> Path:
    """Take a key out of use, for a new one if it was in use; returns where its file lies now. Raises KeyFileError."""
    target = held.file.parent / REVOKED / f"{held.file.stem}-revoked-{datetime.fromtimestamp(now, UTC):{_TIME}}.pem"
    of_use = [one for one in NodeLogKeys(settings).all if one.use is held.use and not one.is_revoked]
    if held.active_from <= now and not any(held.active_from < one.active_from <= now + 1 for one in of_use):
        add_log_key(settings, held.use, max(now, held.active_from + 1))
    try:
        target.parent.mkdir(exist_ok=True, mode=DIRECTORY_MODE)
        held.file.rename(target)
    except OSError as error:
        raise KeyFileError(f"{held.file} can't be moved to {target}: {error.strerror}") from None
    return target


def _names(directory: Path) -> frozenset[str]:
    return frozenset(path.name for path in _files(directory))


def _files(directory: Path) -> Iterator[Path]:
    """The files of keys, in the directory and among the revoked ones."""
    for place in (directory, directory / REVOKED):
        yield from (path for path in place.glob("*.pem") if _NAME.fullmatch(path.name))


def _read(settings: Settings) -> tuple[HeldLogKey, ...]:
    passphrase = passphrase_of(settings)
    found = [_held(settings, path, passphrase) for path in _files(settings.keys_home)]
    for use, first in ((LogKeyUse.LOG, settings.log_key_file), (LogKeyUse.WITNESS, settings.witness_key_file)):
        if not any(held.use is use and not held.is_revoked for held in found):
            found.append(_held(settings, first, passphrase))
    return tuple(sorted(found, key=lambda held: (held.use, -held.active_from)))


def _held(settings: Settings, path: Path, passphrase: bytes | None) -> HeldLogKey:
    match = _NAME.fullmatch(path.name)
    assert match is not None
    private = _load_or_create(path, passphrase)
    if match["use"] == LogKeyUse.LOG:
        key = verifier_key(log_name(settings.issuer), ED25519, private)
    else:
        key = verifier_key(witness_name(settings.issuer), COSIGNATURE, private)
    try:
        at = 0 if match["at"] is None else int(datetime.strptime(match["at"], _TIME).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise KeyFileError(f"{path}: the time in its name is none") from None
    return HeldLogKey(LogKeyUse(match["use"]), at, NamedKey(key, private), path, match["revoked"] is not None)


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
    pem = private_pem(Ed25519PrivateKey.generate(), passphrase)
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
