"""Which anchors a node trusts: `anchor.json` as an anchor hands it over, one file for each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from federation.errors import MembershipError
from federation.subjects import is_issuer
from federation.trust.statements import checked_keys

MAX_BYTES = 16_384
MAX_ANCHORS = 4  # two for a hand-over; more are a mistake


@dataclass(frozen=True)
class AnchorPin:
    """An anchor and the keys by which it is known to us, from a way that we trust."""

    entity: str
    name: str
    jwks: dict[str, Any]

    @property
    def digest(self) -> str:
        """Names these very keys."""
        return hashlib.sha256(json.dumps(self.jwks, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> bytes:
        """The file's content."""
        fields = {"anchor": self.entity, "name": self.name, "jwks": self.jwks}
        return (json.dumps(fields, indent=2, ensure_ascii=False) + "\n").encode()


class _File(msgspec.Struct, forbid_unknown_fields=True):
    anchor: str
    name: str
    jwks: dict[str, Any]


def parse_pin(content: bytes, where: str) -> AnchorPin:
    """The anchor in the content of a file.

    Raises:
        MembershipError: it is no such file; `where` names it.
    """
    try:
        file = msgspec.json.decode(content[:MAX_BYTES], type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MembershipError(f"{where} is not an anchor's file (anchor, name, jwks): get it from the anchor") from None
    if not is_issuer(file.anchor):
        raise MembershipError(f"{where}: the anchor must be https://host, with no path and no final slash")
    if not file.name.isprintable() or not 0 < len(file.name) <= 200:
        raise MembershipError(f"{where}: the name must be 1 to 200 printable characters")
    try:
        return AnchorPin(file.anchor, file.name, checked_keys(file.jwks))
    except MembershipError as error:
        raise MembershipError(f"{where}: {error.reason}") from None


def read_pins(directory: Path) -> list[AnchorPin]:
    """The anchors in `directory` (*.json); none if there is no such directory.

    Raises:
        MembershipError: a file can't be used, or two are about the same anchor.
    """
    if not directory.is_dir():
        return []
    try:
        pins = [parse_pin(path.read_bytes(), str(path)) for path in sorted(directory.glob("*.json"))]
    except OSError as error:
        raise MembershipError(f"{directory} can't be read: {error.strerror}") from None
    if len({pin.entity for pin in pins}) < len(pins):
        raise MembershipError(f"two files in {directory} are about the same anchor: remove one")
    if len(pins) > MAX_ANCHORS:
        raise MembershipError(f"there are more than {MAX_ANCHORS} anchors in {directory}")
    return pins
