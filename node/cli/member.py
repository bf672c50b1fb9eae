"""`verbund member`: `join` and `describe` are the city's, `approve` to `remove` the anchor's, `list` is both's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from federation.errors import FederationError, MembershipError
from federation.membership import MemberStatus
from federation.trust.node_configuration import read_self_signed
from federation.trust.pins import MAX_ANCHORS, AnchorPin, parse_pin, read_pins
from federation.trust.register import Entry, fingerprint_of
from federation.trust.state import Trust
from federation.trust.statements import MAX_LIFETIME, MAX_STATEMENT_BYTES, WELL_KNOWN
from node.cli.anchor import foreseen
from node.cli.context import CommandError, load_node_settings, open_node
from node.cli.output import print_table
from node.members import describe as describe_node
from node.members import fetched_by, kept_trust, peer_transport
from node.office import Office
from node.settings import Settings

FETCH_S = 10.0
anchor_option = click.option(
    "--anchor", required=True, type=click.Path(path_type=Path, file_okay=False, exists=True), help="Its directory."
)
day = click.DateTime(["%Y-%m-%d"])


@click.group()
def member() -> None:
    """The cities of the federation: join it; approve, suspend and list its members."""


@member.command()
@click.argument("anchor_file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--offline", is_flag=True, help="Don't ask the anchor whether it has these keys.")
@click.pass_context
def join(ctx: click.Context, anchor_file: Path, *, offline: bool) -> None:
    """Trust the anchor whose `anchor.json` is ANCHOR_FILE. A running node follows within seconds."""
    settings = load_node_settings(ctx)
    with foreseen():
        try:
            pin = parse_pin(anchor_file.read_bytes(), str(anchor_file))
        except OSError as error:
            raise CommandError(f"{anchor_file} can't be read: {error.strerror}") from error
        others = [known for known in read_pins(settings.anchors_directory) if known.entity != pin.entity]
        if len(others) >= MAX_ANCHORS:
            raise CommandError(
                f"{MAX_ANCHORS} anchors are trusted already: remove one from {settings.anchors_directory}"
            )
        if not offline:
            asyncio.run(_ask_anchor(settings, pin))
    settings.anchors_directory.mkdir(mode=0o700, exist_ok=True)
    target = settings.anchors_directory / f"{pin.entity.partition('://')[2].replace(':', '-')}.json"
    part = target.with_suffix(".part")
    part.write_bytes(pin.to_json())
    part.replace(target)
    click.echo(f"{pin.name} ({pin.entity}) is trusted: {target}")
    click.echo(f"its fingerprint is {fingerprint_of(pin.jwks)}: compare it with the office, by telephone")
    click.echo("next: verbund member describe > me.jwt, send it to the office, and tell it the fingerprint")


@member.command()
@click.pass_context
def describe(ctx: click.Context) -> None:
    """Print what this node says of itself, to be sent to the anchor; the fingerprint goes to standard error."""
    settings = load_node_settings(ctx)
    with foreseen():
        token = describe_node(settings)
    jwks = read_self_signed(token).federation_jwks
    click.echo(token)
    click.echo(f"fingerprint: {fingerprint_of(jwks)}", err=True)


@member.command()
@anchor_option
@click.argument("description", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--fingerprint", help="As the city has told it, by a way other than the file's.")
@click.option("--from", "since", type=day, help="First day of membership (UTC); default: now.")
@click.option("--until", type=day, help="Day on which it ends (UTC); default: until further notice.")
def approve(
    anchor: Path, description: Path, fingerprint: str | None, since: datetime | None, until: datetime | None
) -> None:
    """Vouch for the node whose `verbund member describe` is in DESCRIPTION; again, if its keys changed."""
    office = Office(anchor)
    now = datetime.now(UTC)
    with foreseen():
        try:
            token = description.read_bytes().strip()
        except OSError as error:
            raise CommandError(f"{description} can't be read: {error.strerror}") from error
        applicant = read_self_signed(token)
        if not now - MAX_LIFETIME < applicant.period.issued_at < now + timedelta(minutes=1):
            raise CommandError(f"{description} was made on {applicant.period.issued_at:%F}: ask the city for a new one")
        begins = since.replace(tzinfo=UTC) if since is not None else now.replace(microsecond=0)
        ends = until.replace(tzinfo=UTC) if until is not None else None
        if ends is not None and ends <= begins:
            raise CommandError("--until must be after --from")
        office.save(office.register.admit(applicant, fingerprint, begins, ends))
    click.echo(f"{applicant.presented.id} ({applicant.presented.name}) is vouched for at {applicant.issuer}")
    _remind()


@member.command()
@anchor_option
@click.argument("id_", metavar="ID")
@click.option("--reason", required=True, help="Why; kept in the register, not published.")
def suspend(anchor: Path, id_: str, reason: str) -> None:
    """Trust a member with nothing, from the next publication on."""
    _set_status(anchor, id_, MemberStatus.SUSPENDED, f"suspended on {datetime.now(UTC):%F}: {reason}")


@member.command()
@anchor_option
@click.argument("id_", metavar="ID")
def activate(anchor: Path, id_: str) -> None:
    """Trust a suspended member again."""
    _set_status(anchor, id_, MemberStatus.ACTIVE, "")


@member.command()
@anchor_option
@click.argument("id_", metavar="ID")
def remove(anchor: Path, id_: str) -> None:
    """Take a member off the register. Its id may then be given to somebody else: rather suspend it."""
    office = Office(anchor)
    with foreseen():
        office.save(office.register.without(id_))
    click.echo(f"{id_} is not in the register any more")
    _remind()


@member.command("list")
@click.option("--anchor", type=click.Path(path_type=Path, file_okay=False, exists=True), help="An anchor's register.")
@click.pass_context
def list_(ctx: click.Context, anchor: Path | None) -> None:
    """Show the members that this node goes by, or those in an anchor's register."""
    with foreseen():
        if anchor is not None:
            _list_register(Office(anchor))
        else:
            _list_members(ctx)


def _list_register(office: Office) -> None:
    table = Table("id", "name", "issuer", "status", "from", "until", "fingerprint", "note")
    for entry in office.register.entries:
        one = entry.vouched
        until = f"{one.valid_until:%F}" if one.valid_until else ""
        period = (f"{one.valid_from:%F}", until)
        table.add_row(one.id, one.name, one.issuer, one.status, *period, fingerprint_of(one.jwks), entry.note)
    print_table(table)


def _list_members(ctx: click.Context) -> None:
    with open_node(ctx) as node:
        if not read_pins(node.settings.anchors_directory):
            raise CommandError("this node trusts no anchor: run `verbund member join`")
        trust = kept_trust(node.settings, node.database_url)
    membership = trust.current(datetime.now(UTC))
    table = Table("id", "name", "ags", "issuer", "status", "keys", "heard", "ends")
    for one in membership.members:
        kids = "\n".join(str(key.kid)[:12] for key in one.keys.keys) or "its configuration could not be had"
        own = "this node" if one.id == node.settings.city else kids
        period = trust.period_of(one.issuer)
        times = ("", "") if period is None else (f"{period.issued_at:%F %H:%M}", f"{period.expires_at:%F %H:%M}")
        table.add_row(one.id, one.name, one.ags or "", one.issuer, one.status, own, *times)
    print_table(table)
    click.echo(f"issued {membership.issued_at:%F %H:%M} UTC, valid until {membership.expires_at:%F %H:%M}")


def _set_status(anchor: Path, id_: str, status: MemberStatus, note: str) -> None:
    office = Office(anchor)
    with foreseen():
        vouched = replace(office.register.find(id_).vouched, status=status)
        office.save(office.register.put(Entry(vouched, note)))
    click.echo(f"{id_} is {status}")
    _remind()


def _remind() -> None:
    click.echo("next: verbund anchor publish; the nodes follow within 75 seconds after it")


async def _ask_anchor(settings: Settings, pin: AnchorPin) -> None:
    async with peer_transport(settings) as transport:
        try:
            token = await fetched_by(transport)(f"{pin.entity}{WELL_KNOWN}", FETCH_S, MAX_STATEMENT_BYTES)
        except FederationError as error:
            raise CommandError(
                f"{pin.entity} can't be asked: {error.reason}; with --offline it is not asked"
            ) from error
    try:
        Trust(allow_plain_http=settings.unsafe_plain_http).read_anchor(
            pin, token.decode("ascii", "replace").strip(), datetime.now(UTC)
        )
    except MembershipError as error:
        raise CommandError(f"{pin.entity} does not have these keys: {error.reason}") from error
