"""`verbund backup` and `verbund restore`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click

from node.backup import BackupError, make_backup, restore_database, restore_files, restore_settings
from node.cli.context import CommandError, load_node_settings, node_home, open_database, open_node
from node.doctor import log
from node.doctor.finding import Finding, State
from node.doctor.members import known_members
from node.members import peer_transport
from node.settings import FILE_NAME, Settings

EXIT_RECORDS_MISSING = 3
directory = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("target", type=directory)
@click.pass_context
def backup(ctx: click.Context, target: Path) -> None:
    """Write the database, settings, anchors, rules and encrypted keys into the new directory TARGET."""
    with open_node(ctx) as node:
        try:
            manifest, left_out = make_backup(node.settings, node.database_url, target)
        except BackupError as error:
            raise CommandError(str(error)) from error
    click.echo(f"{target}: {manifest.city}, schema {manifest.schema}, {manifest.records} access records")
    if left_out:
        click.echo(f"keys are not encrypted and were left out: {', '.join(left_out)}. Keep them elsewhere, or run")
        click.echo("`verbund key encrypt` and back up again")


@click.command()
@click.argument("source", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.pass_context
def restore(ctx: click.Context, source: Path) -> None:
    """Make a node anew from the backup in SOURCE: its database must be empty, and it must not run.

    A home without settings gets those of the backup.

    Exit code 3: all is restored, but the other cities have seen records that the backup does not have.
    """
    try:
        begun = restore_settings(node_home(ctx), source)
        settings = load_node_settings(ctx)
        with open_database(settings) as url:
            manifest = restore_database(settings, url, source)
            files = [FILE_NAME] * begun + restore_files(settings, source)
            found = list(_compared_with_witnesses(settings, url))
    except BackupError as error:
        raise CommandError(str(error)) from error
    click.echo(f"{manifest.city} is as of {manifest.made_at:%F %H:%M} UTC, with {manifest.records} access records")
    if files:
        click.echo(f"put back: {', '.join(files)}")
    for finding in found:
        click.echo(f"{finding.check}: {finding.message}")
        if finding.remedy:
            click.echo(f"  {finding.remedy}")
    click.echo("next: verbund doctor")
    if any(finding.state is State.FAILED for finding in found):
        ctx.exit(EXIT_RECORDS_MISSING)


def _compared_with_witnesses(settings: Settings, url: str) -> Iterator[Finding]:
    """Whether the other cities have seen more of the log than was restored."""
    finding, membership = known_members(settings, url)
    if membership is None:
        yield finding
        return
    others = [member for member in membership.members if member.id != settings.city]

    async def ask() -> list[Finding]:
        async with peer_transport(settings) as transport:
            return await log.seen_by_witnesses(transport, others, log.own_head(settings, url))

    yield from asyncio.run(ask())
