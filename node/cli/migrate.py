"""`verbund migrate`."""

from __future__ import annotations

import click

from node.cli.context import open_node
from node.store import migrate as migrations
from node.store.engine import make_engine


@click.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the database's schema up to date. Safe to repeat."""
    with open_node(ctx) as node:
        state = migrations.migrate(make_engine(node.database_url))
    click.echo(f"schema {state.current} is current")
