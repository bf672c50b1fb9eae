"""`verbund dataset`."""

from __future__ import annotations

import click
from rich.table import Table

from node.cli.context import open_node
from node.cli.output import print_table
from node.store.assessments import list_datasets


@click.group()
def dataset() -> None:
    """The city's datasets and their tiers."""


@dataset.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List keys, tiers and titles."""
    with open_node(ctx) as node, node.connection() as connection:
        rows = list_datasets(connection)
    table = Table("key", "tier", "title", "reason of the tier")
    for row in rows:
        table.add_row(row["key"], row["tier"], row["title"], row["tier_reason"] or "–")
    print_table(table)
