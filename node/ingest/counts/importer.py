"""`verbund ingest counts`: counter CSVs into the database, one transaction per file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from node.ingest.counts.cells import CellReader
from node.ingest.counts.files import (
    PlannedFile,
    Source,
    changed,
    find_files,
    open_text,
    plan_file,
    state_of,
    unreadable,
)
from node.ingest.counts.local_time import LocalClock
from node.ingest.counts.mapping import Mapping as CountsMapping
from node.ingest.counts.mapping_file import load_mapping
from node.ingest.counts.reader import CounterFile, FileOutcome
from node.ingest.counts.registry import register
from node.ingest.errors import SourceError
from node.ingest.observations import ObservationBatch, finish_writing, write_batch
from node.ingest.prefetch import prefetch
from node.ingest.report import Flaw, Progress, Report
from node.ingest.runs import (
    finish_file,
    finished_files,
    forget_file,
    ingest_connection,
    quarantine,
    save_run,
    start_run,
)


@dataclass(frozen=True, slots=True)
class _Start:
    file: PlannedFile


@dataclass(frozen=True, slots=True)
class _End:
    outcome: FileOutcome
    failure: Flaw | None = None


def ingest_counts(database_url: str, path: Path, mapping_path: Path, *, progress: Progress | None = None) -> Report:
    """Import the file or folder `path` by the mapping in `mapping_path`.

    Files that an earlier run finished and that have not changed are skipped; if the import is interrupted, the next
    run goes on with the missing files. `progress` is told bytes.

    Raises:
        MappingError: the mapping is wrong.
        SourceError: there is nothing to read.
        BusyError: another import is running.
    """
    mapping, mapping_bytes = load_mapping(mapping_path)
    source = find_files(path, mapping)
    with ingest_connection(database_url) as connection:
        report = start_run(connection, "counts", source.name)
        files = _plan(connection, source, mapping, mapping_bytes, report)
        channels = [channel for file in files if file.header for channel in file.header.channels]
        datastreams = register(connection, mapping, channels)
        done, total = 0, sum(file.size for file in files)
        with closing(prefetch(_parse(source, files, mapping, datastreams))) as events:
            for event in events:
                if isinstance(event, _Start):
                    _write_file(connection, event.file, events, report)
                    done += event.file.size
                    if progress is not None:
                        progress(done, total)
        save_run(connection, report, finished=True)
    report.finish()
    return report


def _plan(
    connection: psycopg.Connection, source: Source, mapping: CountsMapping, mapping_bytes: bytes, report: Report
) -> list[PlannedFile]:
    known = finished_files(connection, report.kind, report.source)
    files = []
    for path in source.paths:
        file = plan_file(source, path, mapping, mapping_bytes, known.get(path))
        if file is None:
            report.files_unchanged += 1
        else:
            files.append(file)
    return files


def _parse(
    source: Source, files: list[PlannedFile], mapping: CountsMapping, datastreams: Mapping[str, int]
) -> Iterator[_Start | ObservationBatch | _End]:
    """Start, batches, end of every file. Runs in a thread of its own and touches no database."""
    clock, cells = LocalClock(mapping.time), CellReader(mapping)
    for file in files:
        yield _Start(file)
        if file.header is None:
            yield _End(FileOutcome())
            continue
        counter = CounterFile(
            file.path,
            file.header,
            datastreams,
            clock,
            cells,
            delimiter=mapping.file.delimiter,
            ambiguous=mapping.time.ambiguous,
        )
        failure = None
        try:
            with open_text(source, file.path, mapping) as text:
                text.readline()
                yield from counter.batches(text)
                if state_of(text) != file.state:  # its digest is not that of what was read
                    failure = changed(file.path)
        except (OSError, SourceError) as error:
            failure = unreadable(file.path, str(error))
        yield _End(counter.outcome, failure)


class _FileFailedError(Exception):
    """Rolls a file's transaction back."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


def _write_file(
    connection: psycopg.Connection,
    file: PlannedFile,
    events: Iterator[_Start | ObservationBatch | _End],
    report: Report,
) -> None:
    try:
        with connection.transaction():
            # If the machine dies the file is simply missing; the run's own last commit is synchronous and flushes all.
            connection.execute("set local synchronous_commit = off")
            written, outcome = _write_batches(connection, events)
            flaws = [*file.flaws, *outcome.flaws]
            if outcome.more_flaws:
                more = f"{outcome.more_flaws} more"
                flaws.append(Flaw(file.path, "file", more, "file.more-flaws", "Mend the flaws that are told first."))
            quarantine(connection, report, flaws, within=file.path)
            if file.digest:
                finish_file(connection, report, file.path, file.digest, outcome.read - outcome.rejected)
            else:
                forget_file(connection, report, file.path)
    except _FileFailedError as error:
        with connection.transaction():
            quarantine(connection, report, [error.flaw], within=file.path)
            forget_file(connection, report, file.path)
        return
    report.files_read += 1
    report.read += outcome.read
    report.written += written
    report.rejected += outcome.rejected
    report.unchanged += outcome.read - outcome.rejected - written
    report.ambiguous += outcome.ambiguous
    save_run(connection, report, finished=False)


def _write_batches(
    connection: psycopg.Connection, events: Iterator[_Start | ObservationBatch | _End]
) -> tuple[int, FileOutcome]:
    written = 0
    changed: set[int] = set()
    for event in events:
        if isinstance(event, ObservationBatch):
            count = write_batch(connection, event)
            written += count
            changed |= event.datastreams if count else set()
        elif isinstance(event, _End):
            if event.failure is not None:
                raise _FileFailedError(event.failure)
            finish_writing(connection, changed)
            return written, event.outcome
    raise RuntimeError("the parser stopped in the middle of a file")
