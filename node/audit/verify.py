"""Check a proof bundle without a node and without a database (docs/log-format.md)."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from federation.tlog.checkpoint import cosigned_at, open_checkpoint, read_hash
from federation.tlog.note import COSIGNATURE, ED25519, Note, NoteError, VerifierKey, is_signed, read
from federation.tlog.tree import ProofError, leaf_hash
from federation.tlog.witness import quorum
from node.audit.bundle import COMPRESSED, FORMAT
from node.audit.bundle_lines import Act, Head, Line, canonical, read_entry, read_line
from node.audit.canonical import VERSION, personal_digest
from node.audit.erase import ERASING, FORGETTING
from node.audit.grammar import FilterError, read_filter
from node.audit.period import End, unproven
from node.audit.positions import Range, first_unnamed, read_ranges
from node.audit.proofs import Known

MAX_LINE_BYTES = 4_000_000
ACTING = b'"action":"operator:log:'


class BundleInvalid(Exception):
    """The bundle does not hold. `position` is that of the first wrong record, if one is to blame."""

    def __init__(self, reason: str, line: int, position: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.position = position


@dataclass(slots=True)
class Verified:
    """What a bundle proves. `cosigned`: when each witness had cosigned (UTC).

    `erased` records are gone but for their leaves, of `forgotten` ones the personal parts; acts in the log name both.
    `unproven`: what a complete bundle does not show of its period.
    """

    head: Head
    size: int
    records: int = 0
    erased: int = 0
    forgotten: int = 0
    unproven: list[str] = field(default_factory=list)
    cosigned: dict[str, datetime] = field(default_factory=dict)


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
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
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
        self._kinds = set[str]()
        self._acts: dict[str, Act] = {}  # by their kind
        self._named: dict[str, list[Range]] = {ERASING: [], FORGETTING: []}
        self._missing: dict[str, list[int]] = {ERASING: [], FORGETTING: []}  # what acts of each kind must name
        self._ends: list[End] = []  # the first and the last record within

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
                self._position(found, position, decoded)
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
        names = set[str]()  # one witness counts once, whatever cities and keys the bundle gives it
        try:
            for city, text in found.head.witness_keys.items():
                key = VerifierKey.parse(text)
                if key.name in names or (self._trusted_witnesses and text not in self._trusted_witnesses):
                    continue
                time = cosigned_at(note, key) if key.kind == COSIGNATURE else None
                if time is not None:
                    names.add(key.name)
                    found.cosigned[city] = datetime.fromtimestamp(time, UTC)
            trusted = {VerifierKey.parse(text).name for text in self._trusted_witnesses}
        except (NoteError, ValueError, OverflowError) as error:
            raise self._wrong(f"a witness's key or cosignature is malformed: {error}") from None
        # who names witnesses wants more than half of them, though the bundle says that it needs fewer
        needed = max(found.head.quorum, quorum(len(trusted)))
        if len(names) < needed:
            raise self._wrong(f"the tree head has {len(names)} cosignatures of {needed} that it needs")

    def _decoded(self, line: bytes) -> Line:
        try:
            return read_line(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._wrong(f"the line is malformed: {error}") from None

    def _common(self, line: Line) -> None:
        """A kind or an operation: known by its hash from here on."""
        if bytes(line.kind):
            content = bytes(line.kind)
            digest = sha256(content).hexdigest()
            self._kinds.add(digest)
            if ACTING in content:
                self._acts[digest] = self._act(content)
        elif line.operation is not None and line.document is not None:
            if sha256(line.document.encode()).hexdigest() != line.operation:
                raise self._wrong("a document does not have the hash under which it stands")
        else:
            raise self._wrong("the line is neither a record nor anything else that belongs here")

    def _act(self, content: bytes) -> Act:
        try:
            return msgspec.json.decode(content, type=Act)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._wrong(f"the kind is malformed: {error}") from None

    def _position(self, found: Verified, before: int, line: Line) -> None:
        head, position = found.head, line.position
        assert position is not None
        if position <= before or (not bytes(line.other) and not head.first <= position <= head.last):
            raise self._wrong("the record stands in the wrong place", position)
        if head.complete and position != before + 1 and before < head.last:
            raise self._wrong("a record was left out, and the bundle says that it is complete", before + 1)

    def _leaf(self, found: Verified, known: Known, line: Line, position: int) -> None:
        try:
            proof = [read_hash(text) for text in line.proof or []]
            entry = bytes(line.entry) or bytes(line.other)
            if entry:
                self._entry(found, entry, line, position)
                leaf = leaf_hash(entry)
            else:
                leaf = read_hash(line.leaf or "")
                self._missing[ERASING].append(position)
            known.learn(position, leaf, proof)
        except (NoteError, ProofError) as error:
            raise self._wrong(f"the record is not in the tree: {error}", position) from None

    def _entry(self, found: Verified, entry: bytes, line: Line, position: int) -> None:
        try:
            fields = read_entry(entry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._wrong(f"the entry is malformed: {error}", position) from None
        if fields.v != VERSION or canonical(fields) != entry:
            raise self._wrong(f"the entry is not in the form of version {VERSION}", position)
        if fields.kind not in self._kinds:
            raise self._wrong("the record's kind is not in the bundle, or was changed", position)
        if fields.kind in self._acts:
            self._naming(self._acts[fields.kind], position)
        is_other = bytes(line.other) != b""
        if found.head.first <= position <= found.head.last:
            self._ends[1:] = [End(position, fields.at, is_other)]
        if is_other:
            return
        found.records += 1
        if line.personal is None:
            self._missing[FORGETTING].append(position)
        else:
            self._personal(fields.personal, line.personal, position)

    def _naming(self, act: Act, position: int) -> None:
        if act.positions and act.action in self._named:
            try:
                named = read_ranges(act.positions)
            except ValueError:
                raise self._wrong("the positions that an act names are malformed", position) from None
            if not all(first <= last < position for first, last in named):
                raise self._wrong("an act names positions that do not come before it", position)
            self._named[act.action] += named

    def _personal(self, wanted: str, personal: dict[str, str | None], position: int) -> None:
        try:
            salt = bytes.fromhex(personal["salt"] or "")
            digest = personal_digest(salt, personal["subject"], personal["token_id"])
        except (KeyError, ValueError):
            raise self._wrong("the personal parts are malformed", position) from None
        if len(personal) != 3 or digest != wanted:
            raise self._wrong("the personal parts are not those of the entry", position)

    def _end(self, seal: str, key: VerifierKey, found: Verified, position: int) -> None:
        head = found.head
        if found.records != head.records or (head.complete and position < head.last):
            raise self._wrong(f"the bundle has {found.records} records, and should have {head.records}")
        try:
            note = read(seal)
        except NoteError as error:
            raise self._wrong(f"the seal is malformed: {error}") from None
        digest = base64.b64encode(self._digest.digest()).decode()
        if note.text != f"{FORMAT}\n{key.name}\n{self._number - 1}\n{digest}\n" or not is_signed(note, key):
            raise self._wrong("the seal is broken: something in the file was changed")
        for action, reason in (
            (ERASING, "the record was left out, and no act of erasing names it"),
            (FORGETTING, "the personal parts were left out, and no act of forgetting names them"),
        ):
            unnamed = first_unnamed(self._missing[action], self._named[action])
            if unnamed is not None:
                raise self._wrong(reason, unnamed)
        found.erased, found.forgotten = len(self._missing[ERASING]), len(self._missing[FORGETTING])
        if head.complete:
            self._period(found)

    def _period(self, found: Verified) -> None:
        try:
            wanted = read_filter(found.head.filter)
        except FilterError as error:
            raise self._wrong(f"the filter can't be read: {error.reason}") from None
        if not wanted.is_period:
            raise self._wrong("a bundle with this filter can't be complete")
        until = max(found.cosigned.values(), default=None)
        found.unproven += unproven(found.head, wanted, self._ends, found.size, until)

    def _wrong(self, reason: str, position: int | None = None) -> BundleInvalid:
        return BundleInvalid(reason, self._number, position)
