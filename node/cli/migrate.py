"""`verbund migrate`."""

from __future__ import annotations

import click

from node.cli.context import open_node
from node.store import migrate as migrations


@click.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the database's schema up to date. Safe to repeat."""
    with open_node(ctx) as node:
        state = migrations.migrate(node.engine)
    if state.is_newer:
        click.echo(f"schema {state.current} is of a newer version of the software, which this one serves: left alone")
    else:
        click.echo(f"schema {state.current} is current")
