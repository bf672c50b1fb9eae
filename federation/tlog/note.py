"""C2SP signed notes (c2sp.org/signed-note), with Ed25519: text, an empty line, a line for each signature."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_NOTE_BYTES = 16_384
MAX_SIGNATURES = 32
_DASH = "— "
_NAME = re.compile(r"[!-*,-~]{1,200}")  # printable ASCII without spaces and without plus: of members' keys
_ANY_NAME = re.compile(r"[^\s+]{1,200}")  # whatever else signed a note is let be


class NoteError(ValueError):
    """A note or a key can't be accepted. Its text has nothing foreign in it."""


class Signature(NamedTuple):
    """A signature line: whose it is said to be, and its bytes behind the key id."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read: nothing in it is verified. `text` ends with a newline."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}"


@dataclass(frozen=True)
class VerifierKey:
    """A name, a kind of signature and a public key: what C2SP calls a vkey."""

    name: str
    kind: int
    public: bytes

    @cached_property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a vkey.

        Raises:
            NoteError: it is malformed, of another kind, or its id is not that of its key.
        """
        parts = text.split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise NoteError("not a verifier key: name+id+key is expected")
        material = _decoded(parts[2])
        if len(material) != 33 or material[0] not in {ED25519, COSIGNATURE}:
            raise NoteError("the verifier key is not an Ed25519 key")
        key = cls(parts[0], material[0], material[1:])
        if str(key) != text:
            raise NoteError("the verifier key's id is not that of its key")
        return key

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made the Ed25519 signature."""
        try:
            self._loaded.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _loaded(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.public)

    def of(self, signatures: Iterable[Signature]) -> list[Signature]:
        """The signatures that say they are by this key."""
        return [found for found in signatures if found.name == self.name and found.key_id == self.id]


def verifier_key(name: str, kind: int, private: Ed25519PrivateKey) -> VerifierKey:
    """The public half of a key under a name."""
    if not _NAME.fullmatch(name):
        raise NoteError("a key's name is printable ASCII without spaces and plus")
    return VerifierKey(name, kind, private.public_key().public_bytes_raw())


def sign(text: str, key: VerifierKey, private: Ed25519PrivateKey) -> Note:
    """The note with one signature."""
    return Note(text, (Signature(key.name, key.id, private.sign(text.encode())),))


def is_signed(note: Note, key: VerifierKey) -> bool:
    """Whether a plain Ed25519 signature by this key is on the note."""
    return any(key.holds(note.text.encode(), found.value) for found in key.of(note.signatures))


def read(text: str) -> Note:
    """Read a note.

    Raises:
        NoteError: it is too large or not in the form of one.
    """
    if len(text) > MAX_NOTE_BYTES:
        raise NoteError(f"the note is longer than {MAX_NOTE_BYTES} bytes")
    if any(ord(letter) < 32 and letter != "\n" for letter in text):
        raise NoteError("the note has control characters")
    body, gap, lines = text.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NoteError("the note has no signatures")
    return Note(f"{body}\n", read_signatures(lines))


def read_signatures(text: str) -> tuple[Signature, ...]:
    """Read signature lines.

    Raises:
        NoteError: a line is malformed, or there are too many.
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"there are more than {MAX_SIGNATURES} signatures")
    return tuple(_signature(line) for line in lines)


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    value = _decoded(encoded)
    if not line.startswith(_DASH) or not _ANY_NAME.fullmatch(name) or len(value) < 5:
        raise NoteError("a signature line is malformed")
    return Signature(name, value[:4], value[4:])


def _decoded(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("base64 is expected") from None
    if base64.b64encode(value).decode() != text:
        raise NoteError("base64 is not in its usual form")
    return value
