"""`verbund audit receipts`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

import click

from federation.errors import FederationError, MembershipError
from federation.membership import Member
from federation.trust.former_keys import MAX_BYTES, PATH, FormerKey, known_keys, read_former_keys
from node.audit.operator import READ
from node.audit.receipts import Parties, flaw, kept
from node.cli.audit_group import open_log
from node.cli.audit_reconcile import DIFFERENT, TIME
from node.cli.context import CommandError, OpenNode
from node.members import fetched_by, kept_trust, peer_transport
from node.store.trust import read_named_keys

FETCH_S = 10.0


@click.command()
@click.argument("city")
@click.option("--from", "start", type=TIME, required=True, help="From this time on, UTC.")
@click.option("--until", type=TIME, help="Before this time, UTC; default: now.")
@click.option("--offline", is_flag=True, help="Don't ask CITY for its former keys: go by what this node has kept.")
@click.pass_context
def receipts(ctx: click.Context, /, city: str, start: datetime, until: datetime | None, *, offline: bool) -> None:
    """Check the receipts of CITY's answers again, with the keys that it had then. Exit code 3 if one does not hold."""
    begin = start.replace(tzinfo=UTC)
    end = until.replace(tzinfo=UTC) if until else datetime.now(UTC)
    with open_log(ctx) as log:
        member, former = _former_keys(log.node, city, offline=offline)
        act = log.act(READ, f"receipts {city} from {begin.isoformat()} until {end.isoformat()}")
        keys = known_keys(read_named_keys(log.connection, member.issuer), former)
        parties = Parties(member.issuer, log.node.settings.issuer)
        checked, flawed = 0, 0
        for one in kept(log.connection, city, begin, end):
            checked += 1
            if (reason := flaw(one, keys, parties)) is not None:
                flawed += 1
                click.echo(f"{one.recorded_at:%Y-%m-%d %H:%M:%SZ} trace {one.trace_id}: {reason}")
        act.done(rows=checked)
    click.echo(f"{checked} receipts checked with {len(keys)} keys of {city}: {flawed or 'all hold, no'} flaws")
    if flawed:
        sys.exit(DIFFERENT)


def _former_keys(node: OpenNode, city: str, *, offline: bool) -> tuple[Member, dict[str, FormerKey]]:
    """The city, and the keys that it says it used before."""
    settings = node.settings
    now = datetime.now(UTC)
    try:
        trust = kept_trust(settings, node.database_url)
        member = trust.current(now).by_id(city)
    except MembershipError as error:
        raise CommandError(f"the members are not known: {error.reason}") from error
    if member is None or city == settings.city:
        raise CommandError(f"CITY: {city} is not another member; see `verbund member list`")
    if offline:
        return member, {}

    async def fetched() -> bytes:
        async with peer_transport(settings) as transport:
            return await fetched_by(transport)(member.issuer + PATH, FETCH_S, MAX_BYTES)

    try:
        token = asyncio.run(fetched())
        return member, read_former_keys(token.strip(), member.issuer, trust.vouched_jwks(member.issuer, now), now)
    except FederationError as error:
        raise CommandError(f"{city} does not tell its former keys: {error.reason}. --offline does without") from error
