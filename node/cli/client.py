"""`verbund client`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.table import Table

from node.audit.operator import Act
from node.auth.applications import ApplicationError, ApplicationStatus, Registration, list_applications, set_status
from node.auth.registration import (
    register_with_new_key,
    register_with_public_key,
    rotate_to_new_key,
    rotate_to_public_key,
)
from node.auth.revocation import RevocationError, allow_foreign, list_refused, refuse_foreign
from node.auth.scopes import SCOPES
from node.cli.context import OpenNode, open_node, told
from node.cli.output import print_table
from policy.vocabulary import PURPOSES

ONE_KEY = "give either --public-key FILE or --key-out FILE"
HAND_OVER = "hand it over safely, it is kept nowhere else"


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
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Where people come back to; repeatable.")
@click.option("--public-key", type=click.Path(path_type=Path), help="Its public key: PEM, or a key set in JSON.")
@click.option("--key-out", type=click.Path(path_type=Path), help="Make a key pair; write the private key there.")
@click.pass_context
def add(
    ctx: click.Context,
    id_: str,
    name: str,
    purposes: tuple[str, ...],
    scopes: tuple[str, ...],
    redirect_uris: tuple[str, ...],
    public_key: Path | None,
    key_out: Path | None,
) -> None:
    """Register an application. Give either --public-key or --key-out."""
    new = Registration(id_, name, purposes, scopes, redirect_uris)
    for_what = f"{id_} for {' '.join(purposes)} with {' '.join(scopes)}"
    with open_node(ctx) as node, told(ApplicationError), _recorded(node, "add", for_what):
        if public_key is not None and key_out is None:
            register_with_public_key(node.engine, new, public_key)
        elif key_out is not None and public_key is None:
            register_with_new_key(node.engine, new, key_out)
        else:
            raise click.UsageError(ONE_KEY)
    click.echo(f"application {id_} is registered for {', '.join(purposes)}")
    if key_out is not None:
        click.echo(f"its private key is in {key_out}: {HAND_OVER}")


@client.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--public-key", type=click.Path(path_type=Path), help="Its further public key: PEM, or a key set in JSON."
)
@click.option("--key-out", type=click.Path(path_type=Path), help="Make a key pair; write the private key there.")
@click.option("--drop-old", is_flag=True, help="The former keys count no more, nor do tokens got so far.")
@click.pass_context
def rotate(ctx: click.Context, id_: str, public_key: Path | None, key_out: Path | None, *, drop_old: bool) -> None:
    """Give an application a further key; with --drop-old at once in place of those it has.

    Without a failed request: rotate, let the application change over, then rotate with --drop-old and the same key.
    """
    whole = f"{id_}{' and drop the old keys' if drop_old else ''}"
    with open_node(ctx) as node, told(ApplicationError), _recorded(node, "rotate", whole):
        if public_key is not None and key_out is None:
            rotate_to_public_key(node.engine, id_, public_key, drop_old=drop_old)
        elif key_out is not None and public_key is None:
            rotate_to_new_key(node.engine, id_, key_out, drop_old=drop_old)
        else:
            raise click.UsageError(ONE_KEY)
    click.echo(f"application {id_} has {'a new key and no other' if drop_old else 'a further key'}")
    if key_out is not None:
        click.echo(f"its private key is in {key_out}: {HAND_OVER}")


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
    """Give an application no more tokens; those that it has end at once."""
    _change(ctx, id_, ApplicationStatus.SUSPENDED)


@client.command()
@click.argument("id_", metavar="ID")
@click.pass_context
def activate(ctx: click.Context, id_: str) -> None:
    """Give a suspended application tokens again."""
    _change(ctx, id_, ApplicationStatus.ACTIVE)


@client.command()
@click.argument("name", metavar="CITY/ID")
@click.pass_context
def refuse(ctx: click.Context, name: str) -> None:
    """Let an application of another city in no more, whatever its city says of it. Holds at once."""
    with open_node(ctx) as node, told(RevocationError), _recorded(node, "refuse", name):
        refuse_foreign(node.engine, name)
    click.echo(f"{name} is refused")


@client.command()
@click.argument("name", metavar="CITY/ID")
@click.pass_context
def allow(ctx: click.Context, name: str) -> None:
    """Let a refused application of another city in again, as far as rules and agreements go."""
    with open_node(ctx) as node, told(RevocationError), _recorded(node, "allow", name):
        allow_foreign(node.engine, name)
    click.echo(f"{name} is let in again")


@client.command()
@click.pass_context
def refused(ctx: click.Context) -> None:
    """List the applications of other cities that are refused."""
    with open_node(ctx) as node:
        found = list_refused(node.engine)
    table = Table("application", "since")
    for one in found:
        table.add_row(one.name, f"{one.since:%Y-%m-%d %H:%M:%SZ}")
    print_table(table)


def _change(ctx: click.Context, application_id: str, status: ApplicationStatus) -> None:
    verb = "suspend" if status is ApplicationStatus.SUSPENDED else "activate"
    with open_node(ctx) as node, told(ApplicationError), _recorded(node, verb, application_id):
        set_status(node.engine, application_id, status)
    click.echo(f"application {application_id} is {status.lower()}")


@contextmanager
def _recorded(node: OpenNode, verb: str, text: str) -> Iterator[None]:
    """Record what is done within: if the record can't be written it is not done, and if that fails there is none."""
    with node.connection() as connection, connection.transaction():
        Act(connection, node.settings.city, verb, f"client {verb} {text}", subject="client").done(rows=0)
        yield
