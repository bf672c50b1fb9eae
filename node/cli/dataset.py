"""`verbund dataset`."""

from __future__ import annotations

import getpass

import click
from rich.table import Table

from node.cli.context import CommandError, open_node
from node.cli.output import print_table
from node.store.stewardship import StewardshipError, TierDecision, list_datasets, set_tier
from policy.model import Tier


@click.group()
def dataset() -> None:
    """The city's datasets and their tiers."""


@dataset.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List keys, tiers and titles."""
    with open_node(ctx) as node:
        rows = list_datasets(node.engine)
    table = Table("key", "tier", "title", "reason of the tier")
    for row in rows:
        table.add_row(row["key"], row["tier"], row["title"], row["tier_reason"] or "–")
    print_table(table)


@dataset.command()
@click.argument("key")
@click.argument("tier", type=click.Choice([tier.value for tier in Tier]))
@click.option("--reason", required=True, help="Why the dataset belongs into this tier.")
@click.option("--by", default=getpass.getuser, help="Who decides; default: the user of this session.")
@click.pass_context
def tier(ctx: click.Context, key: str, tier: str, reason: str, by: str) -> None:
    """Give the dataset KEY a tier. Holds from the next query on."""
    with open_node(ctx) as node:
        try:
            before = set_tier(node.engine, TierDecision(key, Tier(tier), reason, by))
        except StewardshipError as error:
            raise CommandError(str(error)) from error
    click.echo(f"{key}: {before.value} → {tier}")
