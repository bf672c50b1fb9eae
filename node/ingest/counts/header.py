"""The first line of a counter file: which column is which channel."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from node.ingest.counts.mapping import Mapping
from node.ingest.report import Flaw

MAX_COLUMNS = 2_000
MAX_CELL = 500


@dataclass(frozen=True, slots=True)
class Station:
    """A station as one file names it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A value column. `status` is the index of its status column, None if there is none."""

    id: str
    name: str
    station: Station
    column: int
    status: int | None


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's columns mean; `width` is the number of cells of a sound row."""

    width: int
    time: int
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    index: int
    id: str
    name: str
    station: str


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of one line; quotes never reach over its end, so one wrong quote costs one line."""
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter), [""])


def read_header(line: str, path: str, mapping: Mapping) -> tuple[Header | None, list[Flaw]]:
    """Match the first line against the mapping. Without a header the file can't be imported.

    `path` is relative to the source; its folder or name can be the station.
    """
    where = f"{path}:1"
    try:
        cells = [cell.strip() for cell in split_line(line.lstrip("\ufeff"), mapping.file.delimiter)]
    except csv.Error as error:
        return None, [Flaw(where, "header", line, "header.unreadable", f"The first line is no CSV ({error}).")]
    if "\ufffd" in line:
        remedy = f"The text is not {mapping.file.encoding}: set file.encoding, e.g. cp1252."
        return None, [Flaw(where, "header", line, "file.encoding", remedy)]
    if len(cells) > MAX_COLUMNS or any(len(cell) > MAX_CELL for cell in cells):
        remedy = f"At most {MAX_COLUMNS} columns with {MAX_CELL} characters each are read."
        return None, [Flaw(where, "header", line, "header.too-large", remedy)]
    if cells.count(mapping.time.column) != 1:
        remedy = f"There must be one column {mapping.time.column!r}: correct the file, time.column or file.delimiter."
        return None, [Flaw(where, mapping.time.column, line, "header.no-time", remedy)]
    columns, flaws = _columns(cells, where, mapping)
    total = _total(columns, path, mapping)
    values = [column for column in columns if not _is_total(column, total, mapping)]
    if not values or (mapping.station.source == "total" and total is None):
        remedy = "No column is a channel, or the total is missing: correct the file, or [channel] in the mapping."
        return None, [*flaws, Flaw(where, "header", line, "header.no-channels", remedy)]
    statuses = _statuses(cells, mapping)
    channels = tuple(
        Channel(column.id, column.name, _station(column, total, path, mapping), column.index, statuses.get(column.id))
        for column in values
    )
    return Header(len(cells), cells.index(mapping.time.column), channels), flaws


def _columns(cells: list[str], where: str, mapping: Mapping) -> tuple[list[_Column], list[Flaw]]:
    rules = mapping.channel
    found: dict[str, _Column] = {}
    flaws = []
    for index, cell in enumerate(cells):
        if (
            cell == mapping.time.column
            or (rules.status_suffix and cell.endswith(rules.status_suffix))
            or any(re.search(pattern, cell) for pattern in rules.ignore)
        ):
            continue
        match = re.fullmatch(rules.header, cell)
        if match is None or not match["id"]:
            remedy = "The column does not match channel.header: add it to channel.ignore, or widen the pattern."
            flaws.append(Flaw(where, f"column {index + 1}", cell, "header.unknown-column", remedy))
        elif match["id"] in found:
            remedy = "The channel stands in the header twice: the first column counts, remove the other."
            flaws.append(Flaw(where, f"column {index + 1}", cell, "header.duplicate", remedy))
        else:
            groups = match.groupdict(default="")
            name = groups.get("name", "").strip() or match["id"]
            found[match["id"]] = _Column(index, match["id"], name, groups.get("station", ""))
    return list(found.values()), flaws


def _total(columns: list[_Column], path: str, mapping: Mapping) -> _Column | None:
    """The column that sums up the others, if the mapping says that there is one."""
    match mapping.channel.totals:
        case "first":
            # A known channel in the first place means that the total is missing in this file.
            return columns[0] if columns and columns[0].id not in mapping.channel.known else None
        case "folder":
            return next((column for column in columns if column.id == PurePosixPath(path).parent.name), None)
        case list(ids):
            return next((column for column in columns if column.id in ids), None)
        case _:
            return None


def _is_total(column: _Column, total: _Column | None, mapping: Mapping) -> bool:
    totals = mapping.channel.totals
    return column is total or (isinstance(totals, list) and column.id in totals)


def _statuses(cells: list[str], mapping: Mapping) -> dict[str, int]:
    suffix = mapping.channel.status_suffix
    if suffix is None:
        return {}
    return {cell.removesuffix(suffix): index for index, cell in enumerate(cells) if cell.endswith(suffix)}


def _station(column: _Column, total: _Column | None, path: str, mapping: Mapping) -> Station:
    place = PurePosixPath(path)
    match mapping.station.source:
        case "total" if total is not None:
            return Station(total.id, total.name)
        case "header" if column.station:
            return Station(column.station, column.station)
        case "folder" if place.parent.name:
            name = total.name if total is not None else place.parent.name
            return Station(place.parent.name, name)
        case _:
            return Station(place.stem, place.stem)
