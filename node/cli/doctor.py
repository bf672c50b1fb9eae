"""`verbund doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from os import EX_TEMPFAIL

import click
import orjson
from rich.table import Table

from federation.membership import Membership
from federation.tokens import PeerTokens
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.auth.keys import passphrase_of
from node.cli.context import load_node_settings
from node.cli.output import print_table
from node.doctor import broker, database, here, log
from node.doctor.finding import Finding, State, ok
from node.doctor.members import PeerExaminer, known_members
from node.members import authorities, peer_transport
from node.settings import Settings
from node.store.embedded import embedded_postgres
from schema.build import print_sdl


@click.command()
@click.option("--local", is_flag=True, help="Ask no other city: only what this node needs to be served.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "jsonl", "failed"]), default="table", show_default=True
)
@click.pass_context
def doctor(ctx: click.Context, /, *, local: bool, format_: str) -> None:
    """Check that the node is well, a row for each thing.

    Exit code 1 if something failed, 75 if it is nothing but a database or a broker that can't be reached now.
    """
    settings = load_node_settings(ctx)
    if settings.database_url is not None:
        found = list(_examine(settings, settings.database_url, local=local))
    else:
        with embedded_postgres(settings.postgres_directory) as url:
            found = list(_examine(settings, url, local=local))
    _print(found, format_)
    failures = [finding for finding in found if finding.state is State.FAILED]
    if failures:
        ctx.exit(EX_TEMPFAIL if all(finding.passing for finding in failures) else 1)


def _examine(settings: Settings, url: str, *, local: bool) -> Iterator[Finding]:
    yield ok("settings", f"{settings.city} at {settings.issuer}")
    files = list(here.examine(settings))
    yield from files
    stored = list(database.examine(settings, url))
    yield from stored
    if local or any(finding.state is State.FAILED for finding in [*files, *stored]):
        return
    finding, membership = known_members(settings, url)
    yield finding
    yield from log.caught_logs(url)
    yield from broker.examine(settings)
    if membership is not None:
        yield from asyncio.run(_examine_peers(settings, membership, url))


async def _examine_peers(settings: Settings, membership: Membership, url: str) -> list[Finding]:
    identity = NodeIdentity.from_settings(settings, NodeKeys(settings.keys_home, passphrase_of(settings)))
    others = [member for member in membership.members if member.id != settings.city]
    async with peer_transport(settings) as transport:
        tokens = PeerTokens(identity.issuer, lambda: identity.signing_key, transport)
        examiner = PeerExaminer(transport, tokens, print_sdl(), authorities(settings))
        found = [finding async for finding in examiner.examine(others)]
        found += await log.seen_by_witnesses(transport, others, log.own_head(settings, url))
        await tokens.close()
    return found


def _print(found: list[Finding], format_: str) -> None:
    if format_ == "jsonl":
        for finding in found:
            click.echo(orjson.dumps(asdict(finding)).decode())
    elif format_ == "failed":
        for finding in found:
            if finding.state is State.FAILED:
                click.echo(f"{finding.check}: {finding.message}: {finding.remedy}", err=True)
    else:
        table = Table("check", "state", "message", "what to do")
        for finding in found:
            table.add_row(finding.check, finding.state, finding.message, finding.remedy)
        print_table(table)
