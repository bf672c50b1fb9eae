"""The directory with a node's keys. A file's name says all that there is to know about its key.

`signing.pem` is active from the beginning, `signing-20261201T120000Z.pem` from that second on. One whose name ends
with `-revoked-20261202T080000Z.pem`, here or in `revoked/`, is a key no more since then. So a mounted secret is a key
directory like any other, and each change is one step of the file system.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from joserfc.jwk import ECKey, KeySet

from federation.jose import MAX_KEYS, public_jwks, public_keys
from federation.trust.former_keys import FormerKey
from node.auth.key_ring import HeldKey, KeyRing, KeyState, KeyUse, NoKey
from node.auth.keys import DIRECTORY_MODE, KeyFileError, create_signing_key, load_signing_key

log = logging.getLogger(__name__)

REVOKED = "revoked"
CHECK_EVERY_S = 1.0
_SIGN_NO_MORE = frozenset({KeyState.RETIRED, KeyState.ENDED})
_NAME = re.compile(r"(?P<use>[a-z]+)(-(?P<at>\d{8}T\d{6}Z))?\.pem")
_REVOKED_NAME = re.compile(r"(?P<key>[a-z]+(-\d{8}T\d{6}Z)?)-revoked-(?P<at>\d{8}T\d{6}Z)\.pem")
_TIME = "%Y%m%dT%H%M%SZ"


def read_key_ring(directory: Path, passphrase: bytes | None) -> KeyRing:
    """All keys in the directory.

    Raises:
        KeyFileError: a key can't be used, or the directory can't be read.
    """
    try:
        names = sorted(path.name for path in directory.iterdir() if path.suffix == ".pem")
    except OSError as error:
        raise KeyFileError(f"{directory} can't be read ({error.strerror}): keys are made by `verbund init`") from None
    revoked = [(one.use, one.active_from) for one in _revoked(directory) if one.active_from <= one.revoked_at]
    return KeyRing((_held(directory / name, name, passphrase) for name in names if _use(name) is not None), revoked)


def add_key(directory: Path, use: KeyUse, active_from: int | None, passphrase: bytes | None) -> HeldKey:
    """Make a key that is active from then on (seconds since 1970; None: from the beginning).

    Raises:
        KeyFileError: it can't be written, or there are as many keys as a key set may have.
    """
    if directory.exists() and len(read_key_ring(directory, passphrase).published(use, time.time())) >= MAX_KEYS:
        raise KeyFileError(f"there are {MAX_KEYS} {use} keys in use: wait for a day until the oldest one has ended")
    at = "" if active_from is None else f"-{datetime.fromtimestamp(active_from, UTC):{_TIME}}"
    path = directory / f"{use}{at}.pem"
    return HeldKey(use, path.name, create_signing_key(path, passphrase), active_from or 0)


def revoke_key(directory: Path, held: HeldKey, now: float) -> Path:
    """Take a key out of use; returns where its file lies now. Raises KeyFileError if the directory can't be written."""
    target = directory / REVOKED / f"{Path(held.file).stem}-revoked-{datetime.fromtimestamp(now, UTC):{_TIME}}.pem"
    try:
        target.parent.mkdir(exist_ok=True, mode=DIRECTORY_MODE)
        (directory / held.file).replace(target)
    except OSError as error:
        raise KeyFileError(f"{directory / held.file} can't be moved to {target}: {error.strerror}") from None
    return target


def former_keys(directory: Path, ring: KeyRing, passphrase: bytes | None, now: float) -> tuple[FormerKey, ...]:
    """The keys that sign no more: those that a later one has replaced, and those that were revoked."""
    replaced = ((held, ring.superseded_at(held)) for held in ring.keys if ring.state(held, now) in _SIGN_NO_MORE)
    found = [_former(held, ended, None) for held, ended in replaced if ended is not None]
    for one in _revoked(directory):
        try:
            held = HeldKey(one.use, one.path.name, load_signing_key(one.path, passphrase), one.active_from)
        except KeyFileError as error:  # what can't be read can't be listed; the keys in use are not concerned
            log.warning("a former key is not listed: %s", error)
            continue
        ended = ring.superseded_at(held)
        found.append(_former(held, one.revoked_at if ended is None else min(ended, one.revoked_at), one.revoked_at))
    return tuple(found)


class OneKey:
    """A single key for all uses, for applications and tests."""

    def __init__(self, key: ECKey) -> None:
        self.signing_key = key

    @property
    def jwks(self) -> dict[str, Any]:
        """Its public half (RFC 7517)."""
        return public_jwks(self.signing_key)

    @cached_property
    def public_keys(self) -> KeySet:
        """`jwks`, ready for checking signatures."""
        return public_keys(self.jwks)


class NodeKeys:
    """A node's keys as they are now: read again when the directory changes, at most once a second."""

    def __init__(
        self,
        directory: Path,
        passphrase: bytes | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises KeyFileError if a key is missing or can't be used."""
        self._directory = directory
        self._passphrase = passphrase
        self._clock = clock
        self._monotonic = monotonic
        self._next_check = float("-inf")
        self._stamp = self._stat()
        self._take(read_key_ring(directory, passphrase))

    @property
    def signing_key(self) -> ECKey:
        """The key that signs now."""
        self._refresh()
        return self._signing.key

    @property
    def jwks(self) -> dict[str, Any]:
        """The public keys that this node signs with, has just signed with, or will soon (RFC 7517)."""
        self._refresh()
        return self._jwks

    @property
    def public_keys(self) -> KeySet:
        """`jwks`, ready for checking signatures: another object whenever the keys change."""
        self._refresh()
        return self._public

    @property
    def ring(self) -> KeyRing:
        """All keys; another object whenever they change."""
        self._refresh()
        return self._ring

    @property
    def former(self) -> tuple[FormerKey, ...]:
        """The keys that sign no more, as far as their files are there."""
        return former_keys(self._directory, self.ring, self._passphrase, self._clock())

    def _refresh(self) -> None:
        tick = self._monotonic()
        if tick < self._next_check:
            return
        self._next_check = tick + CHECK_EVERY_S
        stamp = self._stat()
        if stamp == self._stamp and self._clock() < self._changes_at:
            return
        self._stamp = stamp
        try:
            self._take(read_key_ring(self._directory, self._passphrase))
        except KeyFileError as error:  # a key that can't be used does not end those that can
            log.warning("the node's keys are not read again: %s", error)
            self._stamp = None

    def _take(self, ring: KeyRing) -> None:
        now = self._clock()
        try:
            signing = ring.current(KeyUse.SIGNING, now)
            ring.current(KeyUse.FEDERATION, now)
        except NoKey as error:
            raise KeyFileError(f"{self._directory}: {error}") from None
        self._ring, self._signing = ring, signing
        # the one that signs first; a random one of them is never wanted
        others = [held for held in ring.published(KeyUse.SIGNING, now) if held is not signing]
        self._jwks = public_jwks(signing.key, *(held.key for held in others))
        self._public = public_keys(self._jwks)
        self._changes_at = ring.next_change(now)

    def _stat(self) -> tuple[int, int] | None:
        try:
            status = self._directory.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino


class _Revoked(NamedTuple):
    """The file of a key that is none any more. Times are seconds since 1970."""

    path: Path
    use: KeyUse
    active_from: int
    revoked_at: int


def _revoked(directory: Path) -> Iterator[_Revoked]:
    """What the names of files say. One whose times are none is told and left out."""
    for path in (*directory.glob("*.pem"), *(directory / REVOKED).glob("*.pem")):
        match = _REVOKED_NAME.fullmatch(path.name)
        use = match and _use(f"{match['key']}.pem")
        if match is None or use is None:
            continue
        try:
            yield _Revoked(path, use, _active_from(f"{match['key']}.pem", path), _moment(match["at"], path))
        except KeyFileError as error:
            log.warning("a former key is not listed: %s", error)


def _use(name: str) -> KeyUse | None:
    match = _NAME.fullmatch(name)
    return KeyUse(match["use"]) if match and match["use"] in set(KeyUse) else None


def _held(path: Path, name: str, passphrase: bytes | None) -> HeldKey:
    """The key in `path`, which is what a key of this name is."""
    use = _use(name)
    assert use is not None
    return HeldKey(use, path.name, load_signing_key(path, passphrase), _active_from(name, path))


def _active_from(name: str, path: Path) -> int:
    match = _NAME.fullmatch(name)
    assert match is not None
    return 0 if match["at"] is None else _moment(match["at"], path)


def _moment(text: str, path: Path) -> int:
    try:
        return int(datetime.strptime(text, _TIME).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise KeyFileError(f"{path}: the time in its name is none; it must be like 20261201T120000Z") from None


def _former(held: HeldKey, ended_at: int, revoked_at: int | None) -> FormerKey:
    (jwk,) = public_jwks(held.key)["keys"]
    return FormerKey(held.kid, jwk, ended_at, revoked_at)
