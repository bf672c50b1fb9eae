"""`verbund key`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from node.auth.key_directory import add_key, read_key_ring, revoke_key
from node.auth.key_ring import HeldKey, KeyRing, KeyUse
from node.auth.keys import KeyFileError, encrypt_key_file, passphrase_of
from node.cli.context import CommandError, load_node_settings
from node.cli.output import print_table

ANNOUNCED_S = 600  # longer than any peer takes to fetch the new key
USES = click.Choice([use.value for use in KeyUse])


@click.group()
def key() -> None:
    """This node's keys. A running node takes every change over within seconds."""


@key.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Show the keys: what they sign, and where they are in their life."""
    _, _, ring = _opened(ctx)
    now = time.time()
    table = Table("kid", "use", "state", "active from", "file")
    for held in ring.keys:
        since = "the beginning" if not held.active_from else f"{datetime.fromtimestamp(held.active_from, UTC):%F %T}"
        table.add_row(held.kid, held.use, ring.state(held, now), since, held.file)
    print_table(table)


@key.command()
@click.option("--use", type=USES, default=KeyUse.SIGNING.value, show_default=True, help="Which key to replace.")
@click.option(
    "--after",
    default=ANNOUNCED_S,
    show_default=True,
    type=click.IntRange(0, 7 * 86_400),
    help="Seconds until the new key signs; until then it is only published.",
)
@click.pass_context
def rotate(ctx: click.Context, use: str, after: int) -> None:
    """Make a new key, publish it now, and sign with it later. The old one stays published for a day."""
    directory, passphrase, _ = _opened(ctx)
    held = add_key(directory, KeyUse(use), int(time.time()) + after, passphrase)
    click.echo(f"{held.kid} signs from {datetime.fromtimestamp(held.active_from, UTC):%F %T} UTC on ({held.file})")
    if held.use is KeyUse.FEDERATION:
        click.echo("send `verbund member describe` to the anchor: the key signs as soon as the anchor vouches for it")


@key.command()
@click.argument("kid")
@click.pass_context
def revoke(ctx: click.Context, kid: str) -> None:
    """Use the key KID (or the beginning of its id) no more, from now on. If none is left, a new one is made."""
    directory, passphrase, ring = _opened(ctx)
    held = find_key(ring, kid)
    now = int(time.time())
    left = [other for other in ring.of(held.use) if other is not held]
    if not any(other.active_from <= now for other in left):
        new = add_key(directory, held.use, now, passphrase)
        click.echo(f"{new.kid} signs from now on ({new.file})")
    target = revoke_key(directory, held, now)
    click.echo(f"{held.kid} is revoked; its file is now {target}")
    if held.use is KeyUse.FEDERATION:
        click.echo("tell the anchor: until it vouches for the new key, no city trusts this node (docs/keys.md)")


@key.command()
@click.pass_context
def encrypt(ctx: click.Context) -> None:
    """Encrypt the keys that lie in the clear with the passphrase of the settings."""
    settings = load_node_settings(ctx)
    passphrase = passphrase_of(settings)
    if passphrase is None:
        raise CommandError("there is no passphrase: set key_passphrase_file or VERBUND_KEY_PASSPHRASE")
    for path in sorted(settings.keys_home.glob("*.pem")):
        click.echo(f"{path}: {'encrypted' if encrypt_key_file(path, passphrase) else 'was encrypted already'}")


def _opened(ctx: click.Context) -> tuple[Path, bytes | None, KeyRing]:
    settings = load_node_settings(ctx)
    passphrase = passphrase_of(settings)
    return settings.keys_home, passphrase, read_key_ring(settings.keys_home, passphrase)


def find_key(ring: KeyRing, kid: str) -> HeldKey:
    """The key with this id, or with an id that begins so. Raises KeyFileError if there is none, or more than one."""
    found = [held for held in ring.keys if held.kid.startswith(kid)]
    if len(found) != 1:
        raise KeyFileError(f"{kid}: {'no key' if not found else 'more than one key'} has such an id; see `key list`")
    return found[0]
