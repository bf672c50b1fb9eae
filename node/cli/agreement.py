"""`verbund agreement`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
from rich.table import Table

from federation.agreements import MAX_BYTES, AgreementError, Terms
from federation.errors import MembershipError
from federation.membership import Membership
from node.agreeing import Agreeing
from node.audit.operator import decided
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.auth.keys import passphrase_of
from node.cli.context import CommandError, open_node
from node.cli.output import print_table
from node.members import kept_membership, peer_transport
from node.settings import Settings
from node.store.agreements import agreement_of, list_agreements, state_of, staying
from policy.agreement_text import LANGUAGES, Written, odrl, readable

DAY = click.DateTime(["%Y-%m-%d"])
ODRL = "odrl"
_VERSION = click.option("--version", type=int, help="Which version of the agreement.")


@click.group()
def agreement() -> None:
    """Agreements: which member may use which data, for what, until when. Offered, accepted, and signed by both."""


@agreement.command()
@click.argument("id_", metavar="ID")
@click.option("--member", required=True, help="City that may ask, e.g. giessen.")
@click.option("--dataset", "datasets", multiple=True, help="Key of a dataset; repeatable.")
@click.option("--theme", "themes", multiple=True, help="All datasets of a theme, e.g. TRAN; repeatable.")
@click.option("--keyword", "keywords", multiple=True, help="All datasets with a keyword; repeatable.")
@click.option("--purpose", "purposes", required=True, multiple=True, help="Purpose from the vocabulary; repeatable.")
@click.option("--application", "applications", multiple=True, help="Only this application; repeatable; default: all.")
@click.option("--obligation", "obligations", multiple=True, help="E.g. minimum-count=5; repeatable.")
@click.option("--from", "valid_from", type=DAY, help="First day (UTC); default: now.")
@click.option("--until", "valid_until", required=True, type=DAY, help="First day on which it no longer holds (UTC).")
@click.option(
    "--version", default=1, show_default=True, help="A later one takes the place of those before, once begun."
)
@click.option("--note", default="", help="Where the agreement is written down.")
@click.pass_context
def offer(ctx: click.Context, /, id_: str, valid_from: datetime | None, valid_until: datetime, **words: Any) -> None:
    """Offer a member the use of data. It holds from the next query on once the member has accepted."""
    with _side(ctx) as side:
        began = valid_from.replace(tzinfo=UTC) if valid_from else datetime.now(UTC)
        terms = _terms(
            {
                **words,
                "id": id_,
                "owner": side.settings.city,
                "valid_from": int(began.timestamp()),
                "valid_until": int(valid_until.replace(tzinfo=UTC).timestamp()),
            }
        )
        with side.decided("offer", f"{id_} version {terms.version} to {terms.member}"):
            side.agreeing.offer(side.connection, terms)
        click.echo(f"agreement {id_} is offered to {terms.member}")
        for key, tier in staying(side.connection, terms.datasets):
            click.echo(f"{key} is {tier}: nothing of it leaves before an assessment makes it SHARED", err=True)
        side.deliver()


@agreement.command()
@click.argument("id_", metavar="ID")
@_VERSION
@click.pass_context
def accept(ctx: click.Context, /, id_: str, version: int | None) -> None:
    """Accept another city's offer, by default its newest version."""
    with _side(ctx) as side:
        with side.decided("accept", f"{id_} version {version or 'newest'}"):
            side.agreeing.accept(side.connection, id_, version)
        click.echo(f"agreement {id_} is accepted")
        side.deliver()


@agreement.command()
@click.argument("id_", metavar="ID")
@_VERSION
@click.pass_context
def revoke(ctx: click.Context, /, id_: str, version: int | None) -> None:
    """Revoke an agreement at once, as owner or as member: all its versions, or one."""
    with _side(ctx) as side:
        with side.decided("revoke", f"{id_} version {version or 'all'}"):
            side.agreeing.revoke(side.connection, id_, version)
        click.echo(f"agreement {id_} is revoked")
        side.deliver()


@agreement.command()
@click.pass_context
def deliver(ctx: click.Context, /) -> None:
    """Give other cities what they could not be given before."""
    with _side(ctx) as side:
        side.deliver()


@agreement.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.pass_context
def receive(ctx: click.Context, /, file: Path) -> None:
    """Take in a signed document that came as a FILE."""
    with _side(ctx) as side:
        document = side.agreeing.read(file.read_bytes()[: MAX_BYTES + 1].decode("ascii", "replace").strip())
        side.agreeing.keep(side.connection, document)
        click.echo(f"{file}: the {document.kind.value} is received")


@agreement.command()
@click.argument("id_", metavar="ID")
@_VERSION
@click.option("--as", "form", default="de", show_default=True, type=click.Choice([*LANGUAGES, ODRL, "signed"]))
@click.pass_context
def show(ctx: click.Context, /, id_: str, version: int | None, form: str) -> None:
    """Show an agreement as text, as ODRL, or as the other city's node would be given it."""
    with _side(ctx) as side:
        row = agreement_of(side.connection, id_, version)
        if form == "signed":
            for name in ("offer", "acceptance", "revocation"):
                if row[name]:
                    click.echo(row[name])
        elif form == ODRL:
            issuers = {member.id: member.issuer for member in side.membership.members}
            click.echo(json.dumps(odrl(written(row, side.settings.city), issuers), ensure_ascii=False, indent=2))
        else:
            click.echo(readable(written(row, side.settings.city), form))


@agreement.command("list")
@click.pass_context
def list_(ctx: click.Context, /) -> None:
    """List agreements, newest first."""
    with open_node(ctx) as node, node.connection() as connection:
        rows, own = list_agreements(connection), node.settings.city
    now = datetime.now(UTC)
    table = Table("id", "version", "owner", "member", "applications", "data", "purposes", "from", "until", "state")
    for row in rows:
        table.add_row(
            row["id"],
            str(row["version"]),
            row["owner"] or own,
            row["member"],
            "\n".join(row["applications"]) or "all",
            "\n".join([*row["datasets"], *(f"theme {t}" for t in row["themes"]), *(f"#{k}" for k in row["keywords"])]),
            "\n".join(row["purposes"]),
            f"{row['valid_from']:%Y-%m-%d}",
            f"{row['valid_until']:%Y-%m-%d}",
            state_of(row, now) + (", to be delivered" if row["undelivered"] else ""),
        )
    print_table(table)


def written(row: dict[str, Any], own: str) -> Written:
    """A row as what is agreed on."""
    names = Written.__dataclass_fields__
    return Written(**{name: row[name] for name in names} | {"owner": row["owner"] or own})


def _terms(values: dict[str, Any]) -> Terms:
    try:
        return msgspec.convert(values, Terms)
    except msgspec.ValidationError as error:
        raise AgreementError(str(error)) from None


@dataclass
class _Side:
    settings: Settings
    agreeing: Agreeing
    membership: Membership
    connection: psycopg.Connection[Any]

    def decided(self, verb: str, text: str) -> AbstractContextManager[None]:
        """What is done within is recorded."""
        return decided(self.connection, self.settings.city, "agreement", verb, f"agreement {verb} {text}")

    def deliver(self) -> None:
        """Commit, then tell the other city; it can be told later."""
        self.connection.commit()

        async def deliver() -> list[tuple[Any, str]]:
            async with peer_transport(self.settings) as transport:
                return await self.agreeing.deliver(self.connection, transport)

        for one, reason in asyncio.run(deliver()):
            click.echo(
                f"{one.city} has not got the {one.kind.value} of {one.agreement}: {reason}; later: verbund agreement"
                " deliver",
                err=True,
            )


@contextmanager
def _side(ctx: click.Context) -> Iterator[_Side]:
    """This city with its keys and its database; what went wrong is one message."""
    with open_node(ctx) as node, node.connection() as connection:
        settings = node.settings
        try:
            identity = NodeIdentity.from_settings(settings, NodeKeys(settings.keys_home, passphrase_of(settings)))
            membership = kept_membership(settings, node.database_url)
            yield _Side(settings, Agreeing(identity, lambda: membership), membership, connection)
        except AgreementError as error:
            raise CommandError(str(error)) from error
        except MembershipError as error:
            raise CommandError(f"the membership list can't be used: {error.reason}") from error
