"""`verbund anchor` and `verbund member`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from federation.errors import MembershipError
from federation.jose import public_jwks
from federation.membership import Member, checked_member, sign_membership
from federation.membership_file import MembershipFile
from federation.roster import describe_member, read_roster
from node.auth.keys import create_signing_key, load_signing_key
from node.cli.context import CommandError, load_node_settings
from node.cli.output import print_table

KEY_FILE = "anchor.pem"
JWKS_FILE = "anchor.json"


@click.group()
def anchor() -> None:
    """The office that signs the membership list. Works without a node and without a network."""


@anchor.command("init")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def init_(directory: Path) -> None:
    """Make the anchor's key and its public key set in DIRECTORY."""
    key = create_signing_key(directory / KEY_FILE)
    (directory / JWKS_FILE).write_text(json.dumps(public_jwks(key), indent=2) + "\n", encoding="utf-8")
    click.echo(f"{directory / KEY_FILE}   keep this one offline")
    click.echo(f"{directory / JWKS_FILE}  give this one to every member, by a way that they trust")


@anchor.command()
@click.option("--key", required=True, type=click.Path(path_type=Path), help="The anchor's private key.")
@click.option("--members", required=True, type=click.Path(path_type=Path), help="The list in TOML.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where to write the signed list.")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 366), help="How long it is valid.")
def sign(key: Path, members: Path, out: Path, days: int) -> None:
    """Sign the membership list; give the result to every member."""
    now = datetime.now(UTC)
    try:
        roster = read_roster(members)
        signed = sign_membership(roster, load_signing_key(key), now, timedelta(days=days))
    except MembershipError as error:
        raise CommandError(error.reason) from error
    # in one step: a node that watches the file never sees half of it
    part = out.with_name(f"{out.name}.part")
    try:
        part.write_bytes(signed + b"\n")
        part.replace(out)
    except OSError as error:
        raise CommandError(f"{out} can't be written: {error.strerror}") from error
    click.echo(f"{out}: {len(roster)} members, valid until {now + timedelta(days=days):%Y-%m-%d %H:%M} UTC")


@click.group()
def member() -> None:
    """This node and the others of the federation."""


@member.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Show the membership list that this node uses."""
    settings = load_node_settings(ctx)
    source = MembershipFile(settings.membership_file, settings.anchor_file, allow_plain_http=settings.unsafe_plain_http)
    try:
        membership = source.current()
    except MembershipError as error:
        raise CommandError(error.reason) from error
    table = Table("id", "name", "ags", "issuer", "status", "keys")
    for one in membership.members:
        kids = "\n".join(str(key.kid)[:12] for key in one.keys)
        table.add_row(one.id, one.name, one.ags or "", one.issuer, one.status, kids)
    print_table(table)
    click.echo(f"issued {membership.issued_at:%Y-%m-%d %H:%M} UTC, valid until {membership.expires_at:%Y-%m-%d %H:%M}")


@member.command()
@click.pass_context
def describe(ctx: click.Context) -> None:
    """Print this node's entry for the membership list, to be sent to the anchor."""
    settings = load_node_settings(ctx)
    jwks = public_jwks(load_signing_key(settings.signing_key_file))
    try:
        own = checked_member(Member(settings.city, settings.name, settings.ags, settings.issuer, jwks))
    except MembershipError as error:
        raise CommandError(error.reason) from error
    click.echo(describe_member(own), nl=False)
