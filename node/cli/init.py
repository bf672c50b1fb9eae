"""`verbund init`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from node.cli.context import CommandError, node_home
from node.setup import DatabaseMissing, NodeExists, NodePlan, create_node


@click.command()
@click.option("--city", required=True, help="City id: small letters, digits, hyphens, e.g. giessen.")
@click.option("--name", required=True, help="The city's name, e.g. Gießen.")
@click.option("--issuer", required=True, help="Public URL of the node, e.g. https://daten.giessen.example.")
@click.option("--ags", help="Official municipality key, 8 digits.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--database-url", help="PostgreSQL server to use; default: the embedded one in the node's directory.")
@click.option(
    "--key-passphrase-file",
    type=click.Path(resolve_path=True),
    help="Encrypt the keys with the passphrase in this file.",
)
@click.option("--unsafe-plain-http", is_flag=True, help="Allow http URLs: for a trial on one machine only.")
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.pass_context
def init(ctx: click.Context, /, directory: Path | None, **plan: object) -> None:
    """Make a new city's node in DIRECTORY (default: the node's home): keys, settings, first migration."""
    home = directory or node_home(ctx)
    try:
        create_node(home, NodePlan(**plan), environment=None)  # type: ignore[arg-type]  # click has checked the types
    except (NodeExists, DatabaseMissing) as error:
        raise CommandError(str(error)) from error
    click.echo(f"{plan['name']} is ready in {home}")
    click.echo("next:")
    command = f"  verbund --home {shlex.quote(str(home))}"
    click.echo(f"{command} ingest dcat FILE      import the catalog")
    click.echo(f"{command} member describe       what the federation's anchor needs to admit this node")
    click.echo(f"{command} serve                 run the node")
