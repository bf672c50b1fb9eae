"""`verbund settings`."""

from __future__ import annotations

import click
from rich.table import Table

from node.cli.context import load_node_settings
from node.cli.output import print_table
from node.settings.load import TABLES
from node.settings.reference import reference, secrets


@click.group()
def settings() -> None:
    """Settings: which hold, and what they mean."""


@settings.command()
@click.pass_context
def show(ctx: click.Context) -> None:
    """Print the settings that hold; of secrets only whether they are set."""
    found = load_node_settings(ctx)
    table = Table("setting", "value")
    for name in found.__struct_fields__:
        value = getattr(found, name)
        if name in TABLES:
            for entry in value.__struct_fields__:
                table.add_row(f"{name}.{entry}", _shown(getattr(value, entry)))
        else:
            table.add_row(name, "set" if name in secrets() and value is not None else _shown(value))
    print_table(table)


@settings.command(name="reference")
def print_reference() -> None:
    """Print docs/settings.md."""
    click.echo(reference(), nl=False)


def _shown(value: object) -> str:
    return "" if value is None else ", ".join(value) if isinstance(value, tuple) else str(value)
