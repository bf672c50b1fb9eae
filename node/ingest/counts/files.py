"""The files of a source: found, digested and their headers read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

from node.ingest.counts.header import Header, read_header
from node.ingest.counts.mapping import Mapping
from node.ingest.errors import SourceError
from node.ingest.report import Flaw

MAX_FILES = 100_000
MAX_HEADER = 1_000_000
MAX_PATH = 1_000


@dataclass(frozen=True, slots=True)
class Source:
    """A folder and the files in it that the mapping names, as paths relative to it."""

    folder: Path
    paths: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder's full path: what the records of imports call it."""
        return str(self.folder)


FileState = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that is to be imported; without a header it can't be. `size` in bytes; `state`: see `state_of`."""

    path: str
    size: int
    digest: bytes
    header: Header | None
    flaws: tuple[Flaw, ...]
    state: FileState = ()


def find_files(path: Path, mapping: Mapping) -> Source:
    """The file `path`, or the files below the folder `path` that match the mapping's pattern, sorted.

    Raises:
        SourceError: nothing is there, or far too much.
    """
    path = path.resolve()
    if path.is_file():
        return _bounded(Source(path.parent, (path.name,)))
    if not path.is_dir():
        raise SourceError(f"{path} does not exist: give a CSV file or a folder")
    found = []
    for file in path.glob(mapping.file.pattern):
        # A link out of the folder would let a delivery read the node's own files.
        if file.is_file() and file.resolve().is_relative_to(path):
            found.append(file.relative_to(path).as_posix())
        if len(found) > MAX_FILES:
            raise SourceError(f"{path} holds more than {MAX_FILES} files: import its folders one by one")
    if not found:
        raise SourceError(
            f"{path} holds no file that matches {mapping.file.pattern!r}: see file.pattern in the mapping"
        )
    return _bounded(Source(path, tuple(sorted(found))))


def plan_file(
    source: Source, path: str, mapping: Mapping, mapping_bytes: bytes, known: bytes | None
) -> PlannedFile | None:
    """Digest a file and read its header; None if its digest is the `known` one, so there is nothing to do."""
    full = source.folder / path
    try:
        with full.open("rb") as file:
            state = state_of(file)
            content = hashlib.file_digest(file, "sha256").digest()
            size = file.tell()
        digest = hashlib.sha256(content + hashlib.sha256(mapping_bytes).digest()).digest()
        if digest == known:
            return None
        with open_text(source, path, mapping) as text:
            line = text.readline(MAX_HEADER)
    except OSError as error:
        flaw = unreadable(path, error.strerror or str(error))
        return PlannedFile(path, 0, b"", None, (flaw,))
    header, flaws = read_header(line, path, mapping)
    return PlannedFile(path, size, digest, header, tuple(flaws), state)


def state_of(file: IO[Any]) -> FileState:
    """What tells that an open file is another one than before, or was written to."""
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_size, found.st_mtime_ns


def open_text(source: Source, path: str, mapping: Mapping) -> TextIO:
    """Open a file for reading. A byte that is no text becomes U+FFFD, which spoils its own cell only."""
    return (source.folder / path).open(encoding=mapping.file.encoding, errors="replace", newline="")


def changed(path: str) -> Flaw:
    """The flaw of a file that was written to, or put in place anew, while it was read."""
    return Flaw(
        path, "file", path, "file.changed", "The file changed while it was read: import it when it is complete."
    )


def unreadable(path: str, problem: str) -> Flaw:
    """The flaw of a file that can't be read at all."""
    return Flaw(path, "file", path, "file.unreadable", f"The file can't be read ({problem}): mend it and import again.")


def _bounded(source: Source) -> Source:
    for path in (source.name, *source.paths):
        if len(path.encode("utf-8", "surrogateescape")) > MAX_PATH:
            raise SourceError(f"{path[:80]}… is longer than {MAX_PATH} bytes: move the files")
        if "\x00" in path or any("\ud800" <= letter <= "\udfff" for letter in path):
            raise SourceError(f"{path!r} is not valid UTF-8: rename it")
    return source
