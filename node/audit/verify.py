"""Check a proof bundle without a node and without a database (docs/log-format.md)."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import orjson

from federation.tlog.checkpoint import cosigned_at, open_checkpoint, read_hash
from federation.tlog.note import COSIGNATURE, ED25519, Note, NoteError, VerifierKey, is_signed, read
from federation.tlog.tree import ProofError, leaf_hash
from node.audit.bundle import COMPRESSED, FORMAT
from node.audit.canonical import VERSION, personal_digest
from node.audit.proofs import Known

MAX_LINE_BYTES = 4_000_000
ENTRY_FIELDS = {
    "at", "bytes", "kind", "personal", "receipt", "request", "response", "rows", "took_us", "trace_id", "v",
}  # fmt: skip


class BundleInvalid(Exception):
    """The bundle does not hold. `position` is that of the first wrong record, if one is to blame."""

    def __init__(self, reason: str, line: int, position: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.position = position


class Head(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The first line."""

    format: str
    city: str
    filter: str
    complete: bool
    first: int
    last: int
    records: int
    log_key: str
    witness_keys: dict[str, str]
    quorum: int
    checkpoint: str


class _Line(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    position: int | None = None
    entry: msgspec.Raw = msgspec.Raw()
    personal: dict[str, str | None] | None = None
    proof: list[str] | None = None
    leaf: str | None = None
    kind: msgspec.Raw = msgspec.Raw()
    operation: str | None = None
    document: str | None = None
    seal: str | None = None


@dataclass(slots=True)
class Verified:
    """What a bundle proves. `cosigned`: when each witness had cosigned (UTC)."""

    head: Head
    size: int
    records: int = 0
    bare: int = 0
    cosigned: dict[str, datetime] = field(default_factory=dict)


_Decoder = msgspec.json.Decoder(_Line)


def verify_bundle(path: Path, *, log_key: str | None = None, witness_keys: Iterable[str] = ()) -> Verified:
    """Check every record, the tree head, its cosignatures and the seal.

    `log_key`, `witness_keys`: the keys to trust (vkeys), from elsewhere; without them the bundle's own are taken, and
    it is proven only that it is whole and consistent with itself.

    Raises:
        BundleInvalid: it does not hold; the first wrong record is named.
        OSError: the file can't be read.
    """
    with gzip.open(path) if path.suffix == COMPRESSED else path.open("rb") as file:
        try:
            return _Check(log_key, tuple(witness_keys)).run(_lines(file))
        except (EOFError, gzip.BadGzipFile) as error:
            raise BundleInvalid(f"the file is damaged: {error}", 0) from None


def _lines(file: Any) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES):
        yield line


class _Check:
    """The state of checking one bundle, line by line."""

    def __init__(self, log_key: str | None, witness_keys: tuple[str, ...]) -> None:
        self._trusted_log = log_key
        self._trusted_witnesses = witness_keys
        self._number = 0
        self._digest = sha256()
        self._kinds: dict[str, bytes] = {}
        self._operations: dict[str, str] = {}

    def run(self, lines: Iterator[bytes]) -> Verified:
        self._number = 1
        first = next(lines, b"")
        self._digest.update(first)
        found, key, known = self._head(first)
        position = found.head.first - 1
        for line in lines:
            self._number += 1
            if not line.endswith(b"\n"):
                raise self._wrong("the line does not end: the file was cut off")
            decoded = self._decoded(line)
            if decoded.seal is not None:
                self._end(decoded.seal, key, found, position)
                if next(lines, None) is not None:
                    raise self._wrong("there is something behind the seal")
                return found
            self._digest.update(line)
            if decoded.position is None:
                self._common(decoded)
            else:
                self._position(found, position, decoded.position)
                position = decoded.position
                self._leaf(found, known, decoded, position)
        raise self._wrong("the seal is missing: the file was cut off")

    def _head(self, line: bytes) -> tuple[Verified, VerifierKey, Known]:
        try:
            head = msgspec.json.decode(line, type=Head)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._wrong(f"the head is malformed: {error}") from None
        if head.format != FORMAT:
            raise self._wrong(f"the format is not {FORMAT}")
        try:
            key = VerifierKey.parse(head.log_key)
            if key.kind != ED25519 or self._trusted_log not in {None, head.log_key}:
                raise self._wrong("the bundle is of another log than that of the key that you trust")
            checkpoint, note = open_checkpoint(head.checkpoint, key)
        except NoteError as error:
            raise self._wrong(f"the tree head does not hold: {error}") from None
        found = Verified(head, checkpoint.size)
        self._cosignatures(found, note)
        return found, key, Known(checkpoint.size, checkpoint.root)

    def _cosignatures(self, found: Verified, note: Note) -> None:
        own = found.head.witness_keys.items()
        trusted = {name: text for name, text in own if not self._trusted_witnesses or text in self._trusted_witnesses}
        try:
            for city, text in trusted.items():
                key = VerifierKey.parse(text)
                time = cosigned_at(note, key) if key.kind == COSIGNATURE else None
                if time is not None:
                    found.cosigned[city] = datetime.fromtimestamp(time, UTC)
        except (NoteError, ValueError, OverflowError) as error:
            raise self._wrong(f"a witness's key or cosignature is malformed: {error}") from None
        # who names witnesses wants one of them to have signed, though the bundle says that it needs none
        needed = max(found.head.quorum, 1 if self._trusted_witnesses else 0)
        if len(found.cosigned) < needed:
            raise self._wrong(f"the tree head has {len(found.cosigned)} cosignatures of {needed} that it needs")

    def _decoded(self, line: bytes) -> _Line:
        try:
            return _Decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._wrong(f"the line is malformed: {error}") from None

    def _common(self, line: _Line) -> None:
        """A kind or an operation: known by its hash from here on."""
        if bytes(line.kind):
            content = bytes(line.kind)
            self._kinds[sha256(content).hexdigest()] = content
        elif line.operation is not None and line.document is not None:
            if sha256(line.document.encode()).hexdigest() != line.operation:
                raise self._wrong("a document does not have the hash under which it stands")
            self._operations[line.operation] = line.document
        else:
            raise self._wrong("the line is neither a record nor anything else that belongs here")

    def _position(self, found: Verified, before: int, position: int) -> None:
        if position <= before or not found.head.first <= position <= found.head.last:
            raise self._wrong("the record stands in the wrong place", position)
        if found.head.complete and position != before + 1:
            raise self._wrong("a record was left out, and the bundle says that it is complete", before + 1)

    def _leaf(self, found: Verified, known: Known, line: _Line, position: int) -> None:
        try:
            proof = [read_hash(text) for text in line.proof or []]
            if bytes(line.entry):
                entry = bytes(line.entry)
                self._entry(entry, line.personal, position)
                leaf = leaf_hash(entry)
                found.records += 1
            else:
                leaf = read_hash(line.leaf or "")
                found.bare += 1
            known.learn(position, leaf, proof)
        except (NoteError, ProofError) as error:
            raise self._wrong(f"the record is not in the tree: {error}", position) from None

    def _entry(self, entry: bytes, personal: dict[str, str | None] | None, position: int) -> None:
        try:
            fields = orjson.loads(entry)
        except orjson.JSONDecodeError:
            raise self._wrong("the entry is not JSON", position) from None
        if not isinstance(fields, dict) or set(fields) != ENTRY_FIELDS or fields["v"] != VERSION:
            raise self._wrong(f"the entry does not have the fields of version {VERSION}", position)
        if fields["kind"] not in self._kinds:
            raise self._wrong("the record's kind is not in the bundle, or was changed", position)
        if personal is not None:
            try:
                salt = bytes.fromhex(personal["salt"] or "")
                digest = personal_digest(salt, personal["subject"], personal["token_id"])
            except (KeyError, ValueError):
                raise self._wrong("the personal parts are malformed", position) from None
            if len(personal) != 3 or digest != fields["personal"]:
                raise self._wrong("the personal parts are not those of the entry", position)

    def _end(self, seal: str, key: VerifierKey, found: Verified, position: int) -> None:
        head = found.head
        if found.records != head.records or (head.complete and position != head.last):
            raise self._wrong(f"the bundle has {found.records} records, and should have {head.records}")
        try:
            note = read(seal)
        except NoteError as error:
            raise self._wrong(f"the seal is malformed: {error}") from None
        digest = base64.b64encode(self._digest.digest()).decode()
        if note.text != f"{FORMAT}\n{key.name}\n{self._number - 1}\n{digest}\n" or not is_signed(note, key):
            raise self._wrong("the seal is broken: something in the file was changed")

    def _wrong(self, reason: str, position: int | None = None) -> BundleInvalid:
        return BundleInvalid(reason, self._number, position)
