"""C2SP checkpoints and cosignatures (c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature, Ed25519)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from federation.tlog.note import COSIGNATURE, ED25519, Note, NoteError, Signature, VerifierKey, is_signed, read
from federation.tlog.tree import HASH_BYTES

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_ED25519_BYTES = 64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: whose log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def read_checkpoint(note: Note) -> Checkpoint:
    """The tree head in a note, unverified. Further lines are let pass, as the specification asks.

    Raises:
        NoteError: it is none.
    """
    lines = note.text.split("\n")
    if len(lines) < 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise NoteError("the note is not a checkpoint")
    return Checkpoint(lines[0], read_size(lines[1]), read_hash(lines[2]))


def open_checkpoint(text: str, *keys: VerifierKey) -> tuple[Checkpoint, Note]:
    """The tree head that the log with one of these keys signed; its origin is the key's name.

    Raises:
        NoteError: it is malformed, another log's, or not signed with any of the keys.
    """
    note = read(text)
    checkpoint = read_checkpoint(note)
    own = [key for key in keys if key.kind == ED25519 and checkpoint.origin == key.name]
    if not own:
        raise NoteError("the checkpoint is of another log")
    if not any(is_signed(note, key) for key in own):
        raise NoteError("the checkpoint is not signed by its log")
    return checkpoint, note


def cosign(text: str, key: VerifierKey, private: Ed25519PrivateKey, time: int) -> Signature:
    """A witness's signature at `time` (POSIX seconds): this is the largest consistent tree that it has seen."""
    return Signature(key.name, key.id, time.to_bytes(8, "big") + private.sign(_cosigned(text, time)))


def cosigned_at(note: Note, key: VerifierKey) -> int | None:
    """When the witness with this key cosigned (POSIX seconds); None if it did not."""
    times = []
    for found in key.of(note.signatures) if key.kind == COSIGNATURE else []:
        time = int.from_bytes(found.value[:8], "big")
        if len(found.value) == 8 + _ED25519_BYTES and key.holds(_cosigned(note.text, time), found.value[8:]):
            times.append(time)
    return max(times, default=None)


def read_size(text: str) -> int:
    """A tree size in decimal, without leading zeroes.

    Raises:
        NoteError: it is none.
    """
    if not _SIZE.fullmatch(text):
        raise NoteError("a tree size is expected")
    return int(text)


def read_hash(text: str) -> bytes:
    """A hash in base64.

    Raises:
        NoteError: it is none.
    """
    try:
        value = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        raise NoteError("a hash in base64 is expected") from None
    if len(value) != HASH_BYTES or binascii.b2a_base64(value, newline=False) != text.encode():
        raise NoteError("a hash in base64 is expected")
    return value


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
