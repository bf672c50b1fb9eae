"""`verbund client`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from node.auth.applications import ApplicationError, ApplicationStatus, list_applications, set_status
from node.auth.registration import register_with_new_key, register_with_public_key
from node.auth.scopes import SCOPES
from node.cli.context import CommandError, open_node
from node.cli.output import print_table
from policy.vocabulary import PURPOSES


@click.group()
def client() -> None:
    """The city's own applications: who may get tokens here."""


@client.command()
@click.argument("id_", metavar="ID")
@click.option("--name", required=True, help="What the application is called.")
@click.option("--purpose", "purposes", required=True, multiple=True, help=f"Repeatable: {', '.join(PURPOSES)}.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=["data:read"],
    show_default=True,
    help=f"Repeatable: {', '.join(SCOPES)}.",
)
@click.option("--public-key", type=click.Path(path_type=Path), help="Its public key: PEM, or a key set in JSON.")
@click.option("--key-out", type=click.Path(path_type=Path), help="Make a key pair; write the private key there.")
@click.pass_context
def add(
    ctx: click.Context,
    id_: str,
    name: str,
    purposes: tuple[str, ...],
    scopes: tuple[str, ...],
    public_key: Path | None,
    key_out: Path | None,
) -> None:
    """Register an application. Give either --public-key or --key-out."""
    with open_node(ctx) as node:
        try:
            if public_key is not None and key_out is None:
                register_with_public_key(node.engine, id_, name, purposes, scopes, public_key)
            elif key_out is not None and public_key is None:
                register_with_new_key(node.engine, id_, name, purposes, scopes, key_out)
            else:
                raise click.UsageError("give either --public-key FILE or --key-out FILE")
        except ApplicationError as error:
            raise CommandError(str(error)) from error
    click.echo(f"application {id_} is registered for {', '.join(purposes)}")
    if key_out is not None:
        click.echo(f"its private key is in {key_out}: hand it over safely, it is kept nowhere else")


@client.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List the applications."""
    with open_node(ctx) as node:
        applications = list_applications(node.engine)
    table = Table("id", "name", "purposes", "scopes", "status")
    for one in applications:
        table.add_row(one.id, one.name, "\n".join(one.purposes), "\n".join(one.scopes), one.status)
    print_table(table)


@client.command()
@click.argument("id_", metavar="ID")
@click.pass_context
def suspend(ctx: click.Context, id_: str) -> None:
    """Give an application no more tokens; those that it has end within 5 minutes."""
    _change(ctx, id_, ApplicationStatus.SUSPENDED)


@client.command()
@click.argument("id_", metavar="ID")
@click.pass_context
def activate(ctx: click.Context, id_: str) -> None:
    """Give a suspended application tokens again."""
    _change(ctx, id_, ApplicationStatus.ACTIVE)


def _change(ctx: click.Context, application_id: str, status: ApplicationStatus) -> None:
    with open_node(ctx) as node:
        try:
            set_status(node.engine, application_id, status)
        except ApplicationError as error:
            raise CommandError(str(error)) from error
    click.echo(f"application {application_id} is {status.lower()}")
