"""`verbund audit`: ask the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson
from rich.table import Table

from node.audit.export import ExportError
from node.audit.export import export as write_export
from node.audit.operator import EXPORT, READ
from node.audit.search import export_records, list_records
from node.audit.totals import GROUPS, NotCounted, totals
from node.cli.audit_group import OPTIONS, open_log, wanted
from node.cli.audit_keep import accept, expire, forget, hold
from node.cli.audit_proof import bundle, fsck, verify
from node.cli.audit_receipts import receipts
from node.cli.audit_reconcile import reconcile
from node.cli.context import ANY_FIRST_CHARACTER, CommandError, told
from node.cli.output import print_table, whole_file

COLUMNS = (
    "position", "at", "role", "counterpart", "caller_city", "application", "purpose", "action", "decision", "state",
    "rows",
)  # fmt: skip


@click.group()
def audit() -> None:
    """Who asked for what, what was decided, and the proof of it."""


for command in (accept, bundle, expire, forget, fsck, hold, receipts, reconcile, verify):
    audit.add_command(command)


@audit.command("list", epilog=OPTIONS, context_settings=ANY_FIRST_CHARACTER)
@click.argument("filter_", metavar="[FILTER]...", nargs=-1)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--format", "format_", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@click.pass_context
def list_(ctx: click.Context, /, filter_: tuple[str, ...], limit: int, format_: str) -> None:
    """List access records, newest first. Times are UTC. That you looked is recorded."""
    text, chosen = wanted(filter_)
    with open_log(ctx) as log:
        act = log.act(READ, text)
        records = list(list_records(log.connection, chosen, limit))
        act.done(rows=len(records))
    if format_ == "jsonl":
        for record in records:
            click.echo(orjson.dumps(record).decode())
        return
    table = Table(*COLUMNS, "datasets", "rules")
    for record in records:
        cells = [str(record[name] if record[name] is not None else "–") for name in COLUMNS]
        cells[1] = f"{record['at']:%Y-%m-%d %H:%M:%S}"
        table.add_row(*cells, "\n".join(record["datasets"]) or "–", "\n".join(record["rules"]) or "–")
    print_table(table)


@audit.command(epilog=OPTIONS, context_settings=ANY_FIRST_CHARACTER)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("filter_", metavar="[FILTER]...", nargs=-1)
@click.pass_context
def export(ctx: click.Context, /, file: Path, filter_: tuple[str, ...]) -> None:
    """Write the records that match to FILE, which ends in .csv, .jsonl or .parquet. Times are UTC."""
    text, chosen = wanted(filter_)
    with open_log(ctx) as log:
        act = log.act(EXPORT, text)
        with told(ExportError), whole_file(file) as part:
            count = write_export(part, export_records(log.connection, chosen))
            act.done(rows=count, bytes_=min(part.stat().st_size, 2**31 - 1))
    click.echo(f"{file}: {count} records")


@audit.command(epilog=OPTIONS, context_settings=ANY_FIRST_CHARACTER)
@click.argument("filter_", metavar="[FILTER]...", nargs=-1)
@click.option("--by", multiple=True, type=click.Choice(sorted(GROUPS)), help="Group by this; several times.")
@click.option("--format", "format_", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@click.pass_context
def stats(ctx: click.Context, /, filter_: tuple[str, ...], by: tuple[str, ...], format_: str) -> None:
    """Count requests, rows and bytes: who, what, how much, over time. Whole days, UTC."""
    text, chosen = wanted(filter_)
    with open_log(ctx) as log:
        act = log.act(READ, f"stats {text}")
        try:
            found: list[dict[str, Any]] = list(totals(log.connection, chosen, by))
        except NotCounted as error:
            raise CommandError(f"FILTER: {error}") from error
        act.done(rows=len(found))
    if format_ == "jsonl":
        for row in found:
            click.echo(orjson.dumps(row).decode())
        return
    table = Table(*by, "requests", "rows", "bytes")
    for row in found:
        table.add_row(*(str(value if value is not None else "–") for value in row.values()))
    print_table(table)
