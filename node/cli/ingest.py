"""`verbund ingest`: catalogs and counters into this node's database, and what could not be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
import orjson
import psycopg
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from node.cli.context import CommandError, open_node
from node.cli.output import print_table
from node.ingest import report as reports
from node.ingest.counts.importer import ingest_counts
from node.ingest.dcat.graph import FORMATS, MAX_MEGABYTES
from node.ingest.dcat.importer import ingest_dcat
from node.ingest.errors import IngestError
from node.ingest.report_text import report_lines
from node.ingest.runs import QuarantineEntry, list_quarantine

_FILE = click.Path(exists=True, path_type=Path)


class _UsageFailed(CommandError):
    """The file or the mapping can't be used."""

    exit_code = reports.EXIT_USAGE


@click.group()
def ingest() -> None:
    """Import data. New data is INTERNAL until a steward gives it a tier.

    Exit codes: 0 all imported, 3 finished but something went to the quarantine, 2 wrong usage, mapping or file,
    1 failed.
    """


@ingest.command()
@click.argument("file", type=_FILE)
@click.option("--format", "format_name", type=click.Choice(list(FORMATS)), help="Default: by the file's extension.")
@click.option("--max-megabytes", type=click.FloatRange(min=0, min_open=True), default=MAX_MEGABYTES, show_default=True)
@click.pass_context
def dcat(context: click.Context, file: Path, format_name: str | None, max_megabytes: float) -> None:
    """Import a DCAT-AP(.de) catalog in RDF/XML, Turtle or JSON-LD."""
    with open_node(context) as node, _errors(), _progress("datasets") as progress:
        report = ingest_dcat(
            node.database_url, file, format_name=format_name, max_megabytes=max_megabytes, progress=progress
        )
    _finish(context, report)


@ingest.command()
@click.argument("path", type=_FILE)
@click.option(
    "--mapping", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML file."
)
@click.pass_context
def counts(context: click.Context, path: Path, mapping: Path) -> None:
    """Import counter CSVs: a file, or a folder with everything below it."""
    with open_node(context) as node, _errors(), _progress("bytes") as progress:
        report = ingest_counts(node.database_url, path, mapping, progress=progress)
    _finish(context, report)


@ingest.group()
def quarantine() -> None:
    """What could not be imported, and why."""


@quarantine.command("list")
@click.option("--run", type=click.IntRange(min=1), help="Only this run.")
@click.option("--reason", help="Only this reason, or its first part: time finds time.nonexistent.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def list_command(context: click.Context, run: int | None, reason: str | None, limit: int, form: str) -> None:
    """List open entries, newest run first."""
    with open_node(context) as node, _errors(), psycopg.connect(node.database_url) as connection:
        entries = list_quarantine(connection, run=run, reason=reason, limit=limit)
    if form == "json":
        click.echo(orjson.dumps([asdict(entry) for entry in entries], option=orjson.OPT_INDENT_2))
    else:
        _show(entries)


@contextmanager
def _errors() -> Iterator[None]:
    """Tell an error in one message; nobody at a terminal needs a stack trace."""
    try:
        yield
    except IngestError as error:
        raise _UsageFailed(str(error)) from error
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
        raise  # told by open_node
    except psycopg.Error as error:
        problem = str(error).partition("\n")[0]
        raise CommandError(f"the database refused: {problem}. What was finished stays; run the import again") from error


@contextmanager
def _progress(unit: str) -> Iterator[reports.Progress | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _finish(context: click.Context, report: reports.Report) -> None:
    for line in report_lines(report):
        click.echo(line)
    context.exit(report.exit_code)


def _show(entries: list[QuarantineEntry]) -> None:
    if not entries:
        click.echo("The quarantine is empty.")
        return
    table = Table("run", "where", "field", "value", "reason", "what to do")
    for entry in entries:
        # Values come from outside: they must not be read as markup.
        cells = map(escape, (entry.location, entry.field, entry.value[:80], entry.reason, entry.message))
        table.add_row(str(entry.run), *cells)
    print_table(table)
