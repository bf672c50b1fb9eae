"""Rows of one counter file → batches of observations. Reads line by line: memory does not grow with the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from node.ingest.counts.autumn_hour import AutumnHour, HeldRow, Policy
from node.ingest.counts.cells import NO_STATUS, CellFlaw, CellReader, Reading
from node.ingest.counts.header import Header, split_line
from node.ingest.counts.local_time import Ambiguous, LocalClock, Stamp, TimeFlaw
from node.ingest.counts.seen_times import SeenTimes
from node.ingest.errors import SourceError
from node.ingest.observations import BATCH_ROWS, ObservationBatch, years_of
from node.ingest.report import Flaw

MAX_LINE = 200_000
MAX_FLAWS = 1_000

_REMEDIES = {
    "time.duplicate": "The time stands in the file more than once; the first row counts: remove the others.",
    "time.unordered": "So long a file must be sorted by time: sort or split it.",
    "time.ambiguous": "The clocks showed this time twice: name the offset, or set time.ambiguous to first or second.",
}


@dataclass(slots=True)
class FileOutcome:
    """What was read of a file, in observations, and its flaws: the first 1000, then a count."""

    read: int = 0
    rejected: int = 0
    ambiguous: int = 0
    flaws: list[Flaw] = field(default_factory=list)
    more_flaws: int = 0

    def add(self, flaw: Flaw) -> None:
        """Note a flaw."""
        if len(self.flaws) < MAX_FLAWS:
            self.flaws.append(flaw)
        else:
            self.more_flaws += 1


class CounterFile:
    """One file on its way through the importer. `datastreams` maps channel ids to database ids."""

    def __init__(
        self,
        path: str,
        header: Header,
        datastreams: Mapping[str, int],
        clock: LocalClock,
        reader: CellReader,
        *,
        delimiter: str = ",",
        ambiguous: Policy = "first",
    ) -> None:
        self.outcome = FileOutcome()
        self._path = path
        self._header = header
        self._clock = clock
        self._reader = reader
        self._delimiter = delimiter
        self._policy = ambiguous
        self._seen = SeenTimes()
        self._autumn = AutumnHour()
        self._ids = frozenset(datastreams[channel.id] for channel in header.channels)
        # Prefix for COPY, value cell, status cell, id. Every row gets a cell more, which stands for "no status".
        self._columns = [
            (
                f"{datastreams[channel.id]}\t",
                channel.column,
                header.width if channel.status is None else channel.status,
                channel.id,
            )
            for channel in header.channels
        ]

    def batches(self, lines: TextIO) -> Iterator[ObservationBatch]:
        """The observations of all rows after the header. Once it is exhausted, `outcome` is complete.

        Raises:
            SourceError: a line is too long to be a row of counts.
        """
        rows: list[str] = []
        stamps: list[str] = []
        tails: dict[tuple[str, str], str] = {}
        time, stamp_of, refuse = self._header.time, self._clock.stamp, self._seen.refuse
        for number, cells in self._rows(lines):
            stamp = stamp_of(cells[time])
            if not isinstance(stamp, str) or (reason := refuse(stamp)):
                self._set_aside(number, cells, stamp if not isinstance(stamp, str) else reason)
                continue
            stamps.append(stamp)
            for prefix, value, status, channel in self._columns:
                pair = cells[value], cells[status]
                tail = tails.get(pair)
                if tail is None:
                    reading = self._reader.read(*pair)
                    if isinstance(reading, CellFlaw):
                        self._reject_cell(number, channel, pair, reading)
                        continue
                    tail = tails[pair] = _tail(reading)
                rows.append(f"{prefix}{stamp}{tail}")
            if len(rows) >= BATCH_ROWS:
                yield self._batch(rows, stamps)
                rows, stamps, tails = [], [], {}
        self._add_autumn(rows, stamps)
        if rows:
            yield self._batch(rows, stamps)

    def _rows(self, lines: TextIO) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every sound row; counts what is read."""
        width, delimiter, outcome, channels = self._header.width, self._delimiter, self.outcome, len(self._columns)
        number = 1
        while line := lines.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise SourceError(f"line {number} has more than {MAX_LINE} characters")
            if line.isspace():
                continue
            outcome.read += channels
            try:
                cells = split_line(line, delimiter)
            except csv.Error as error:
                self._reject_row(number, line, "row.unreadable", f"The line is no CSV ({error}): correct it.")
                continue
            if len(cells) != width:
                remedy = f"The row has {len(cells)} cells and the header {width}: correct the row."
                self._reject_row(number, line.rstrip("\r\n"), "row.width", remedy)
                continue
            cells.append(NO_STATUS)
            yield number, cells

    def _set_aside(self, number: int, cells: list[str], why: Stamp | None) -> None:
        """A row whose time is ambiguous, unusable or already there."""
        written = cells[self._header.time]
        if isinstance(why, Ambiguous):
            if not self._autumn.hold(why, HeldRow(number, cells)):
                self._reject_row(number, written, "time.duplicate", _REMEDIES["time.duplicate"], time=True)
        elif isinstance(why, TimeFlaw):
            reason, remedy = why.value
            self._reject_row(number, written, reason, remedy, time=True)
        elif why is not None:
            self._reject_row(number, written, why, _REMEDIES[why], time=True)

    def _add_autumn(self, rows: list[str], stamps: list[str]) -> None:
        for resolved in self._autumn.resolve(self._policy, descending=self._seen.descending):
            number, cells, stamp = resolved.row.line, resolved.row.cells, resolved.stamp
            if stamp is None:
                written = cells[self._header.time]
                self._reject_row(number, written, "time.ambiguous", _REMEDIES["time.ambiguous"], time=True)
                continue
            stamps.append(stamp)
            for prefix, value, status, channel in self._columns:
                pair = cells[value], cells[status]
                reading = self._reader.read(*pair)
                if isinstance(reading, CellFlaw):
                    self._reject_cell(number, channel, pair, reading)
                    continue
                if not resolved.certain:
                    self.outcome.ambiguous += 1
                    if reading.quality != "MISSING":
                        reading = Reading(reading.result, "SUSPECT")
                rows.append(f"{prefix}{stamp}{_tail(reading)}")

    def _reject_row(self, number: int, value: str, reason: str, remedy: str, *, time: bool = False) -> None:
        self.outcome.rejected += len(self._columns)
        self.outcome.add(Flaw(f"{self._path}:{number}", "time" if time else "row", value, reason, remedy))

    def _reject_cell(self, number: int, channel: str, pair: tuple[str, str], flaw: CellFlaw) -> None:
        self.outcome.rejected += 1
        shown = pair[1] if flaw.reason == "status.unknown" else pair[0]
        self.outcome.add(Flaw(f"{self._path}:{number}", channel, shown, flaw.reason, flaw.message))

    def _batch(self, rows: list[str], stamps: list[str]) -> ObservationBatch:
        first, last = min(stamps), max(stamps)
        return ObservationBatch(
            "".join(rows).encode("ascii"),
            len(rows),
            self._ids,
            first.partition("\t")[0],
            last.partition("\t")[0],
            years_of(stamps),
        )


def _tail(reading: Reading) -> str:
    return f"\t{reading.result}\t{reading.quality}\n"
