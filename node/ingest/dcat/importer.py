"""`verbund ingest dcat`: one catalog file into the database, in one transaction."""

from __future__ import annotations

from pathlib import Path

import psycopg

from node.ingest.catalog_writer import KeyTakenError, drop_unused_contacts, write_dataset
from node.ingest.dcat.datasets import Reading, read_datasets
from node.ingest.dcat.graph import MAX_MEGABYTES, read_graph
from node.ingest.errors import SourceError
from node.ingest.report import Flaw, Progress, Report
from node.ingest.runs import ingest_connection, quarantine, save_run, start_run


def ingest_dcat(
    database_url: str,
    path: Path,
    *,
    format_name: str | None = None,
    max_megabytes: float = MAX_MEGABYTES,
    progress: Progress | None = None,
) -> Report:
    """Import the catalog in `path`; `format_name` is `xml`, `turtle` or `json-ld`, by default from the extension.

    A catalog that is the same as before changes nothing. A tier is never derived and never changed.

    Raises:
        SourceError: the file can't be read as RDF, or holds no dataset.
        BusyError: another import is running.
    """
    graph = read_graph(path, format_name, max_bytes=int(max_megabytes * 1_000_000))
    readings = list(read_datasets(graph))
    if not readings:
        raise SourceError(f"{path} holds no dcat:Dataset: is it a DCAT catalog?")
    with ingest_connection(database_url) as connection:
        report = start_run(connection, "dcat", str(path.resolve()))
        with connection.transaction():
            flaws: list[Flaw] = []
            for number, reading in enumerate(readings, start=1):
                flaws += _import(connection, reading, report)
                if progress is not None:
                    progress(number, len(readings))
            drop_unused_contacts(connection)
            quarantine(connection, report, flaws)
            report.files_read = 1
            save_run(connection, report, finished=True)
    report.finish()
    return report


def _import(connection: psycopg.Connection, reading: Reading, report: Report) -> list[Flaw]:
    report.read += 1
    record = reading.record
    flaws = list(reading.flaws)
    if record is None:
        report.rejected += 1
        return flaws
    try:
        _, written = write_dataset(connection, record)
    except KeyTakenError as error:
        report.rejected += 1
        message = f"The key {record.key} belongs to the dataset {error}: give this dataset another identifier."
        flaws.append(Flaw(record.source_iri or record.title, "identifier", record.key, "identifier.taken", message))
        return flaws
    report.distributions += len(record.distributions)
    if written:
        report.written += 1
    else:
        report.unchanged += 1
    return flaws
