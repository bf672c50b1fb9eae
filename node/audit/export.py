"""Export records: CSV, JSON Lines, Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from node.audit.search import SHOWN

FORMATS = (".csv", ".jsonl", ".parquet")
BATCH = 10_000
NUMBERS = ("position", "rows", "bytes")
LISTS = ("fields", "datasets", "rules", "obligations")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportError(Exception):
    """The export can't be made; the text says what to do."""


def export(path: Path, records: Iterable[dict[str, Any]]) -> int:
    """Write the records in the format that the file's name ends with; returns how many.

    Raises:
        ExportError: another format, or one whose library is not installed.
        OSError: the file can't be written.
    """
    match path.suffix:
        case ".csv":
            return _csv(path, records)
        case ".jsonl":
            return _jsonl(path, records)
        case ".parquet":
            return _parquet(path, records)
    raise ExportError(f"{path.name}: the name must end in {', '.join(FORMATS)}")


def _csv(path: Path, records: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SHOWN)
        for record in records:
            writer.writerow([_cell(record[name]) for name in SHOWN])
            count += 1
    return count


def _cell(value: Any) -> Any:
    """A value for people's spreadsheets: what looks like a formula must not become one."""
    if isinstance(value, list):
        value = " ".join(value)
    elif hasattr(value, "isoformat"):
        value = value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _jsonl(path: Path, records: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("wb") as file:
        for record in records:
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    return count


def _parquet(path: Path, records: Iterable[dict[str, Any]]) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ExportError("Parquet needs the package pyarrow: pip install 'verbund[parquet]'") from None
    kinds: dict[str, Any] = {name: pa.int64() for name in NUMBERS} | {name: pa.list_(pa.string()) for name in LISTS}
    kinds |= {"at": pa.timestamp("us", tz="UTC"), "took_ms": pa.float64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in SHOWN])
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(records):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def _batches(records: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    source = iter(records)
    while batch := list(islice(source, BATCH)):
        yield batch
