"""`verbund anchor`: the office that vouches for the members. Works without a node and without a network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from federation.errors import MembershipError
from node.auth.key_directory import add_key, read_key_ring, revoke_key
from node.auth.key_ring import KeyUse
from node.auth.keys import read_passphrase
from node.cli.context import ANY_FIRST_CHARACTER, CommandError
from node.cli.key import find_key
from node.office import Office

directory_argument = click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
passphrase_option = click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help="File with the passphrase of the keys; else it is asked."
)


@click.group()
def anchor() -> None:
    """The office that vouches for the members. Works without a node and without a network."""


@anchor.command("init")
@directory_argument
@click.option("--url", required=True, help="Where the anchor's files will be served, e.g. https://anker.example.")
@click.option("--name", required=True, help="What the office is called.")
@passphrase_option
@click.option("--unsafe-no-passphrase", is_flag=True, help="Leave the key in the clear: for trials only.")
def init_(directory: Path, url: str, name: str, passphrase_file: Path | None, *, unsafe_no_passphrase: bool) -> None:
    """Make the anchor's key and register in DIRECTORY."""
    passphrase = None
    if passphrase_file is not None:
        passphrase = read_passphrase(passphrase_file)
    elif not unsafe_no_passphrase:
        passphrase = click.prompt("passphrase of the keys", hide_input=True, confirmation_prompt=True).encode()
    office = Office(directory, passphrase)
    with foreseen():
        office.create(url, name)
    click.echo(f"{office.keys}      keep this offline")
    click.echo(f"{office.pin_file}  give this to every member, by a way that they trust")


@anchor.command()
@directory_argument
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The web server's folder.")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 744), help="How long it is valid.")
@passphrase_option
def publish(directory: Path, out: Path, hours: int, passphrase_file: Path | None) -> None:
    """Sign statements about all members, and write the files that the nodes fetch."""
    office = opened(directory, passphrase_file)
    with foreseen():
        until = office.publish(out, timedelta(hours=hours))
        count = len(office.register.entries)
    click.echo(f"{out}: {count} members, valid until {until:%Y-%m-%d %H:%M} UTC; publish again before that")


@anchor.command()
@directory_argument
@click.option("--days", default=7, show_default=True, type=click.IntRange(0, 90), help="Until the new key signs.")
@passphrase_option
def rotate(directory: Path, days: int, passphrase_file: Path | None) -> None:
    """Make the anchor's next key. Nodes learn it from the next publication on, and follow when it signs."""
    office = opened(directory, passphrase_file)
    with foreseen():
        kid = office.rotate(timedelta(days=days))
    click.echo(f"{kid} signs in {days} days; publish now, so that the nodes know it by then")
    click.echo(f"{office.pin_file} has both keys: new members need this one")


@anchor.command(context_settings=ANY_FIRST_CHARACTER)
@directory_argument
@click.argument("kid")
@passphrase_option
def revoke(directory: Path, kid: str, passphrase_file: Path | None) -> None:
    """Use the key KID (or the beginning of its id) no more. If none is left, a new one is made."""
    office = opened(directory, passphrase_file)
    passphrase = office.passphrase
    ring = read_key_ring(office.keys, passphrase)
    held = find_key(ring, kid)
    now = int(time.time())
    if not any(other.active_from <= now for other in ring.keys if other is not held):
        add_key(office.keys, KeyUse.FEDERATION, now, passphrase)
        click.echo(f"a new key signs: every member must get {office.pin_file} again, by a way that it trusts")
    click.echo(f"{held.kid} is revoked; its file is now {revoke_key(office.keys, held, now)}")
    with foreseen():
        office.write_pin()


def opened(directory: Path, passphrase_file: Path | None) -> Office:
    """The anchor in a directory; asks for the passphrase if its keys are encrypted and no file has it."""
    passphrase = None
    if passphrase_file is not None:
        passphrase = read_passphrase(passphrase_file)
    elif any(b"ENCRYPTED" in path.read_bytes() for path in (directory / "keys").glob("*.pem")):
        passphrase = click.prompt("passphrase of the keys", hide_input=True).encode()
    return Office(directory, passphrase)


@contextmanager
def foreseen() -> Iterator[None]:
    """Turns what the anchor's part refuses into a command's message."""
    try:
        yield
    except MembershipError as error:
        raise CommandError(error.reason) from error
