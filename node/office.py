"""The anchor's office: a directory with its keys and its register. Needs no node, no database and no network.

anchor.json     what members get: the anchor's URL and public keys
members.json    the register
keys/           the private keys; may lie on a medium of its own that is put in for signing only
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from federation.errors import MembershipError
from federation.jose import public_jwks
from federation.subjects import is_issuer
from federation.trust.anchor import document_path
from federation.trust.pins import AnchorPin
from federation.trust.register import Register, next_publication, read_register, write_register
from federation.trust.site import site_files
from federation.trust.statements import MAX_LIFETIME
from node.auth.key_directory import add_key, read_key_ring
from node.auth.key_ring import KeyUse

REGISTER = "members.json"
PIN = "anchor.json"
KEYS = "keys"
KEPT_DOCUMENTS = 3


class Office:
    """An anchor's directory. `passphrase` is needed for the keys alone."""

    def __init__(self, directory: Path, passphrase: bytes | None = None) -> None:
        self._directory = directory
        self.passphrase = passphrase

    @property
    def keys(self) -> Path:
        """Where the private keys lie."""
        return self._directory / KEYS

    @property
    def pin_file(self) -> Path:
        """What members get."""
        return self._directory / PIN

    @property
    def register(self) -> Register:
        """Whom the anchor vouches for. Raises MembershipError if the file can't be used."""
        return read_register(self._directory / REGISTER)

    def save(self, register: Register) -> None:
        """Keep the register."""
        write_register(self._directory / REGISTER, register)

    def create(self, entity: str, name: str) -> None:
        """Make key, register and `anchor.json`.

        Raises:
            MembershipError, KeyFileError: the URL is none, or there is an anchor in the directory.
        """
        if not is_issuer(entity):
            raise MembershipError(f"{entity} must be https://host, with no path and no final slash")
        if (self._directory / REGISTER).exists():
            raise MembershipError(f"{self._directory} holds an anchor already: choose another directory")
        add_key(self.keys, KeyUse.FEDERATION, None, self.passphrase)
        self.save(Register(entity, name))
        self.write_pin()

    def rotate(self, after: timedelta) -> str:
        """Make the next key, which signs `after` from now; returns its id."""
        held = add_key(self.keys, KeyUse.FEDERATION, int(time.time() + after.total_seconds()), self.passphrase)
        self.write_pin()
        return held.kid

    def write_pin(self) -> None:
        """Write `anchor.json` with the keys that count now and next."""
        register, ring = self.register, read_key_ring(self.keys, self.passphrase)
        published = ring.published(KeyUse.FEDERATION, time.time())
        pin = AnchorPin(register.anchor, register.name, public_jwks(*(held.key for held in published)))
        self.pin_file.write_bytes(pin.to_json())

    def publish(self, out: Path, lifetime: timedelta, now: datetime | None = None) -> datetime:
        """Sign everything and write the files to be served; returns when the statements end.

        Raises:
            MembershipError, KeyFileError: something can't be read or written, or the lifetime is too long.
        """
        if not timedelta() < lifetime <= MAX_LIFETIME:
            raise MembershipError(f"statements are valid for at most {MAX_LIFETIME.days} days")
        register, ring = self.register, read_key_ring(self.keys, self.passphrase)
        issued_at = next_publication(register, now or datetime.now(UTC))
        published = ring.published(KeyUse.FEDERATION, issued_at.timestamp())
        key = ring.current(KeyUse.FEDERATION, issued_at.timestamp()).key
        members = [entry.vouched for entry in register.entries]
        jwks = public_jwks(*(held.key for held in published))
        files = site_files(register.anchor, register.name, members, key, jwks, issued_at, lifetime)
        self.save(replace(register, published_at=int(issued_at.timestamp())))
        try:
            _write(out, files)
        except OSError as error:
            raise MembershipError(f"{out} can't be written: {error.strerror}") from None
        return issued_at + lifetime


def _write(out: Path, files: list[tuple[str, bytes]]) -> None:
    for path, content in files:
        target = out / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        part.write_bytes(content)
        part.replace(target)
    written = {out / path.removeprefix("/") for path, _ in files}
    for stale in set((out / "federation" / "fetch").glob("*.jwt")) - written:
        stale.unlink()  # of members that are not trusted any more
    documents = sorted((out / document_path("x")[1:]).parent.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    for old in documents[:-KEPT_DOCUMENTS]:
        old.unlink()
