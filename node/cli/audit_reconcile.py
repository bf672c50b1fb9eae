"""`verbund audit reconcile`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

import click

from federation.errors import MembershipError, PeerError
from federation.tokens import PeerTokens
from node.audit.operator import READ
from node.audit.reconciling import Compared, NoSuchCity, Reconciler, latest_end
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.auth.keys import passphrase_of
from node.cli.audit_group import open_log
from node.cli.context import CommandError
from node.members import Members, peer_transport
from node.members import fetched_by as statements_fetched_by
from node.settings import Settings
from node.store.pool import make_pool
from node.store.trust import PostgresTrustStore

DIFFERENT = 3  # exit code
TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])


@click.command()
@click.argument("city")
@click.option("--from", "start", type=TIME, required=True, help="From this time on, UTC.")
@click.option("--until", type=TIME, help="Before this time, UTC; default: now, less two minutes.")
@click.pass_context
def reconcile(ctx: click.Context, /, city: str, start: datetime, until: datetime | None) -> None:
    """Compare what this city asked CITY with what CITY says it answered. Only hashes are exchanged.

    Lists asks without answers, answers without asks, and disagreements. Exit code 3 if there are any.
    """
    start = start.replace(tzinfo=UTC)
    end = until.replace(tzinfo=UTC) if until else latest_end()
    if start >= end:
        raise CommandError(f"--from: {start:%Y-%m-%dT%H:%M:%SZ} is not before --until")
    with open_log(ctx) as log:
        act = log.act(READ, f"reconcile {city} from {start.isoformat()} until {end.isoformat()}")
        try:
            compared = asyncio.run(_compared(log.node.settings, log.node.database_url, city, start, end))
        except NoSuchCity as error:
            raise CommandError(f"CITY: {error}") from error
        except MembershipError as error:
            raise CommandError(f"the members are not known: {error.reason}") from error
        except PeerError as error:
            raise CommandError(f"{city} does not tell its exchanges: {error.reason}") from error
        act.done(rows=compared.asked)
    found = compared.differences
    for difference in found:
        click.echo(f"{difference.what}: {difference.subject}: {difference.detail}")
    click.echo(f"{compared.asked} asks and {compared.answered} answers compared: {len(found) or 'no'} differences")
    if found:
        sys.exit(DIFFERENT)


async def _compared(settings: Settings, database_url: str, city: str, start: datetime, end: datetime) -> Compared:
    identity = NodeIdentity.from_settings(settings, NodeKeys(settings.keys_home, passphrase_of(settings)))
    pool = make_pool(database_url, size=1, statement_ms=settings.limits.statement_ms)
    async with pool, peer_transport(settings) as transport:
        members = Members(settings, statements_fetched_by(transport), PostgresTrustStore(pool))
        await members.keeper.load()
        tokens = PeerTokens(identity.issuer, lambda: identity.signing_key, transport)
        try:
            reconciler = Reconciler(settings.city, members.current, transport, tokens)
            return await reconciler.compare(database_url, city, start, end)
        finally:
            await tokens.close()
            await members.keeper.close()
