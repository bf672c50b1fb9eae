"""`verbund audit`."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import orjson
from rich.table import Table

from node.audit.listing import RecordFilter, list_records
from node.cli.context import open_node
from node.cli.output import print_table

TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])
COLUMNS = ("at", "role", "counterpart", "caller_city", "application", "purpose", "action", "decision", "state", "rows")


@click.group()
def audit() -> None:
    """Who asked for what, and what was decided."""


@audit.command("list")
@click.option("--city", help="Asking or answering city.")
@click.option("--application")
@click.option("--dataset", help="Global id of a dataset, e.g. giessen:dataset:radverkehr.")
@click.option("--purpose")
@click.option("--decision", type=click.Choice(["PERMIT", "DENY", "NONE"]))
@click.option("--role", type=click.Choice(["OWNER", "CONSUMER"]))
@click.option("--trace", help="Trace id of a request.")
@click.option("--after", type=TIME, help="From this time on, UTC.")
@click.option("--before", type=TIME, help="Before this time, UTC.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--format", "format_", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@click.pass_context
def list_(
    ctx: click.Context,
    /,
    after: datetime | None,
    before: datetime | None,
    limit: int,
    format_: str,
    **wanted: str | None,
) -> None:
    """List access records, newest first. Times are UTC."""
    filter_ = RecordFilter(after=_utc(after), before=_utc(before), **wanted)
    with open_node(ctx) as node:
        records = list(list_records(node.engine, filter_, limit))
    if format_ == "jsonl":
        for record in records:
            click.echo(orjson.dumps(record).decode())
        return
    table = Table(*COLUMNS, "datasets", "rules")
    for record in records:
        cells = [str(record[name] if record[name] is not None else "–") for name in COLUMNS]
        cells[0] = f"{record['at']:%Y-%m-%d %H:%M:%S}"
        table.add_row(*cells, "\n".join(record["datasets"]) or "–", "\n".join(record["rules"]) or "–")
    print_table(table)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None
