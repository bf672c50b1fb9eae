"""The witness protocol (c2sp.org/tlog-witness), and which members witness whose log."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from federation.tlog.checkpoint import read_hash, read_size
from federation.tlog.note import NoteError

SIZE_TYPE = "text/x.tlog.size"
MAX_PROOF = 63
MAX_BODY_BYTES = 32_768
WITNESSES = 5  # of each log at most, however many members there are


@dataclass(frozen=True, slots=True)
class Submission:
    """The body of add-checkpoint: the size that the witness knows, the proof from there, and the checkpoint."""

    old: int
    proof: Sequence[bytes]
    checkpoint: str

    def body(self) -> str:
        """As it is sent."""
        return f"old {self.old}\n{proof_lines(self.proof)}\n{self.checkpoint}"


def read_submission(body: str) -> Submission:
    """Read the body of add-checkpoint.

    Raises:
        NoteError: it is malformed.
    """
    head, gap, checkpoint = body.partition("\n\n")
    first, *lines = head.split("\n")
    if not gap or not first.startswith("old ") or len(lines) > MAX_PROOF:
        raise NoteError("the body is not that of add-checkpoint")
    return Submission(read_size(first.removeprefix("old ")), [read_hash(line) for line in lines], checkpoint)


def proof_lines(proof: Iterable[bytes]) -> str:
    """A line in base64 for each hash."""
    return "".join(f"{base64.b64encode(hash_).decode()}\n" for hash_ in proof)


def read_proof(text: str) -> list[bytes]:
    """Read what `proof_lines` wrote.

    Raises:
        NoteError: a line is no hash, or there are too many.
    """
    lines = text.split("\n")
    if lines.pop() or len(lines) > MAX_PROOF:
        raise NoteError("lines with a hash each are expected")
    return [read_hash(line) for line in lines]


def witnesses_of(city: str, members: Iterable[str]) -> list[str]:
    """The members that witness a city's log: all others, or the same five everybody finds by rendezvous hashing."""
    others = sorted(set(members) - {city}, key=lambda other: sha256(f"{city} {other}".encode()).digest())
    return others[:WITNESSES]


def quorum(witnesses: int) -> int:
    """How many must have cosigned: more than half; none where there is nobody."""
    return witnesses // 2 + 1 if witnesses else 0
