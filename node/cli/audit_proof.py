"""`verbund audit bundle | verify | fsck`: prove the log, and check proofs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from federation.tlog.note import COSIGNATURE, ED25519, NoteError, VerifierKey
from federation.tlog.tree import ProofError
from node.audit.bundle import BundleMaker
from node.audit.extent import BundleError
from node.audit.fsck import LogCorrupt, check_log
from node.audit.operator import PROVE, READ
from node.audit.record import MAX_DOCUMENT
from node.audit.tiles import TileMissing
from node.audit.verify import BundleInvalid, verify_bundle
from node.auth.log_keys import load_log_keys
from node.cli.audit_group import OPTIONS, open_log, wanted
from node.cli.context import ANY_FIRST_CHARACTER, CommandError, told
from node.cli.output import whole_file

INVALID = 3  # exit code


@click.command(epilog=OPTIONS, context_settings=ANY_FIRST_CHARACTER)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("filter_", metavar="[FILTER]...", nargs=-1)
@click.pass_context
def bundle(ctx: click.Context, /, file: Path, filter_: tuple[str, ...]) -> None:
    """Write FILE: the records that match, with what proves them to anybody. A name in .gz is compressed.

    With times alone the bundle is complete: it shows that nothing in between was left out.
    """
    text, chosen = wanted(filter_)
    with open_log(ctx) as log:
        settings = log.node.settings
        keys = load_log_keys(settings)
        act = log.act(PROVE, text)
        try:
            with told(BundleError), whole_file(file) as part:
                made = BundleMaker(log.connection, settings.city, *keys.of_log).write(part, text, chosen)
                act.done(rows=made.records, bytes_=min(part.stat().st_size, 2**31 - 1))
        except (ProofError, TileMissing) as error:
            raise CommandError(f"the stored tree is not whole ({error}): run `verbund audit fsck`") from error
    click.echo(f"{file}: {made.records} records, proven in a tree of {made.size}")
    if made.later:
        click.echo(f"{made.later} newer records match, and are not cosigned yet: make the bundle again in a minute")


class Key(click.ParamType[str]):
    """A vkey of a log or of a witness, as `verbund key list` tells it."""

    name = "vkey"

    def __init__(self, of: str, kind: int) -> None:
        self._of, self._kind = of, kind

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, if it is a key of this kind."""
        try:
            key = VerifierKey.parse(value)
        except NoteError as error:
            self.fail(f"{error}, as `verbund key list` tells it", param, ctx)
        if key.kind != self._kind:
            self.fail(f"{value} is no key of a {self._of}", param, ctx)
        return value


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--log-key", type=Key("log", ED25519), help="The log's key that you trust.")
@click.option(
    "--witness-key",
    type=Key("witness", COSIGNATURE),
    multiple=True,
    help="A witness's key that you trust; several times.",
)
def verify(file: Path, log_key: str | None, witness_key: tuple[str, ...]) -> None:
    """Check a proof bundle, without a node and without a database. Exit code 3: it does not hold."""
    try:
        found = verify_bundle(file, log_key=log_key, witness_keys=witness_key)
    except BundleInvalid as error:
        where = f"record at position {error.position}" if error.position is not None else f"line {error.line}"
        click.echo(f"{file}: NOT VALID: {where}: {error.reason}", err=True)
        sys.exit(INVALID)
    head = found.head
    cosigned = ", ".join(f"{city} {time:%Y-%m-%d %H:%M:%SZ}" for city, time in sorted(found.cosigned.items()))
    click.echo(f"{file}: valid: {found.records} records of {head.city}'s log of {found.size} leaves")
    click.echo(f"filter: {head.filter or 'none'}")
    click.echo(f"cosigned by {cosigned or 'nobody'} ({head.quorum} needed)")
    if head.complete:
        click.echo(f"complete: every record at the positions {head.first} to {head.last} is there, or its erasing is")
    for what in found.unproven:
        click.echo(f"not shown: {what}")
    click.echo(f"erased: {found.erased} records, and the personal parts of {found.forgotten}")
    if log_key is None:
        click.echo(f"the log's key is the bundle's own; compare it: {head.log_key}")


@click.command()
@click.pass_context
def fsck(ctx: click.Context, /) -> None:
    """Check the whole stored log: records, kinds, documents, tiles, heads. Exit code 3: something was changed."""
    with open_log(ctx) as log:
        settings = log.node.settings
        keys = [named.key for named in load_log_keys(settings).of_log]
        act = log.act(READ, "fsck")
        try:
            checked = check_log(log.connection, *keys)
        except LogCorrupt as error:
            click.echo(f"the log does NOT hold: {error}", err=True)
            act.done(rows=0)
            sys.exit(INVALID)
        act.done(rows=checked.records)
    click.echo(
        f"the log holds: {checked.size} leaves, {checked.records} records, {checked.erased} erased,"
        f" {checked.forgotten} without their personal parts, {checked.heads} heads,"
        f" {checked.pending} not in the tree yet"
    )
    if checked.undocumented:
        click.echo(f"{checked.undocumented} documents are not kept: they were longer than {MAX_DOCUMENT:,} characters,")
        click.echo("or somebody removed them; their hashes are part of the records")
