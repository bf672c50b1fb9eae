"""`verbund key`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from node.auth.key_directory import add_key, read_key_ring, revoke_key
from node.auth.key_ring import HeldKey, KeyRing, KeyState, KeyUse
from node.auth.keys import KeyFileError, encrypt_key_file, passphrase_of
from node.auth.log_keys import LogKeyUse, add_log_key, load_log_keys, revoke_log_key
from node.cli.audit_group import open_log
from node.cli.context import ANY_FIRST_CHARACTER, CommandError, load_node_settings
from node.cli.output import print_table

ANNOUNCED_S = 600  # longer than any peer takes to fetch the new key
SUCCEEDS_AFTER_S = 3  # a revoked key's successor: each worker looks once a second, and all are to publish it first
LOG_ANNOUNCED_S = 1_200  # keys of logs are fetched every ten minutes
USES = click.Choice([use.value for use in (*KeyUse, *LogKeyUse)])


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
        table.add_row(held.kid, held.use, ring.state(held, now), _since(held.active_from), held.file)
    log_keys = load_log_keys(load_node_settings(ctx))
    for one in log_keys.all:
        table.add_row(one.kid, one.use, log_keys.state(one), _since(one.active_from), one.file.name)
    print_table(table)
    for one in log_keys.all:
        click.echo(f"{one.kid}: {one.named.key}")


def _since(moment: int) -> str:
    return "the beginning" if not moment else f"{datetime.fromtimestamp(moment, UTC):%F %T}"


@key.command()
@click.option("--use", type=USES, default=KeyUse.SIGNING.value, show_default=True, help="Which key to replace.")
@click.option(
    "--after",
    type=click.IntRange(0, 7 * 86_400),
    help=f"Seconds until the new key signs; until then it is only published. Default: {ANNOUNCED_S}, for keys of the"
    f" log and of the witness {LOG_ANNOUNCED_S}.",
)
@click.pass_context
def rotate(ctx: click.Context, use: str, after: int | None) -> None:
    """Make a new key, publish it now, and sign with it later. The old one stays published for a day."""
    if use in set(LogKeyUse):
        _rotate_log_key(ctx, LogKeyUse(use), LOG_ANNOUNCED_S if after is None else after)
        return
    after = ANNOUNCED_S if after is None else after
    directory, passphrase, _ = _opened(ctx)
    held = add_key(directory, KeyUse(use), int(time.time()) + after, passphrase)
    click.echo(f"{held.kid} signs from {datetime.fromtimestamp(held.active_from, UTC):%F %T} UTC on ({held.file})")
    if held.use is KeyUse.FEDERATION:
        click.echo("send `verbund member describe` to the anchor: the key signs as soon as the anchor vouches for it")


@key.command(context_settings=ANY_FIRST_CHARACTER)
@click.argument("kid")
@click.pass_context
def revoke(ctx: click.Context, kid: str) -> None:
    """Use the key KID (or the beginning of its id) no more. If it signs now, a new one takes its place, in seconds."""
    directory, passphrase, ring = _opened(ctx)
    if _revoke_log_key(ctx, kid):
        return
    held = find_key(ring, kid)
    begins = int(time.time()) + SUCCEEDS_AFTER_S
    if ring.state(held, begins) is KeyState.ACTIVE:
        # not the one before it again: who has taken this key may have taken that one, too
        new = add_key(directory, held.use, max(begins, held.active_from + 1), passphrase)
        click.echo(f"{new.kid} takes its place in {SUCCEEDS_AFTER_S} seconds ({new.file})")
        time.sleep(new.active_from + 1 - time.time())  # until no worker signs with the old one
    target = revoke_key(directory, held, time.time())
    click.echo(f"{held.kid} is revoked; its file is now {target}")
    for other in read_key_ring(directory, passphrase).published(held.use, time.time()):
        if other.active_from < held.active_from:
            click.echo(f"{other.kid} is still accepted: revoke it as well if it may be in wrong hands, too")
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
    for path in sorted(settings.keys_home.rglob("*.pem")):  # revoked ones, too
        click.echo(f"{path}: {'encrypted' if encrypt_key_file(path, passphrase) else 'was encrypted already'}")


def _rotate_log_key(ctx: click.Context, use: LogKeyUse, after: int) -> None:
    """The log itself tells of its new key, under a head that the old one signs."""
    with open_log(ctx) as log:
        keys = load_log_keys(log.node.settings)
        old = keys.log if use is LogKeyUse.LOG else keys.witness
        held = add_log_key(log.node.settings, use, int(time.time()) + after)
        since = f"{datetime.fromtimestamp(held.active_from, UTC):%F %T} UTC"
        log.act("rotate", f"{use} key {held.named.key} from {since} on, after {old.key}").done(rows=0)
    click.echo(f"{held.kid} signs from {since} on ({held.file.name}): {held.named.key}")


def _revoke_log_key(ctx: click.Context, kid: str) -> bool:
    """Whether it was one of the log's or the witness's."""
    found = [held for held in load_log_keys(load_node_settings(ctx)).all if held.kid.startswith(kid)]
    if len(found) != 1 or found[0].is_revoked:
        return False
    with open_log(ctx) as log:
        target = revoke_log_key(log.node.settings, found[0], int(time.time()))
        keys = load_log_keys(log.node.settings)
        new = keys.log if found[0].use is LogKeyUse.LOG else keys.witness
        log.act("revoke", f"{found[0].use} key {found[0].named.key}; now {new.key}").done(rows=0)
    click.echo(f"{found[0].kid} is revoked; its file is now {target}; now signs {new.key}")
    return True


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
