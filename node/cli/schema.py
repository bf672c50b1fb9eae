"""`verbund schema`."""

from __future__ import annotations

import click


@click.group()
def schema() -> None:
    """The GraphQL schema."""


@schema.command("print")
def print_() -> None:
    """Print the schema definition (SDL)."""
    from schema.build import print_sdl

    click.echo(print_sdl(), nl=False)
