"""`verbund agreement`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
from rich.table import Table

from node.cli.context import CommandError, open_node
from node.cli.output import print_table
from node.store.stewardship import StewardshipError, add_agreement, list_agreements, revoke_agreement
from policy.model import Agreement

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def agreement() -> None:
    """Agreements: which member may use which shared data, for what, until when."""


@agreement.command()
@click.argument("id_", metavar="ID")
@click.option("--member", required=True, help="City that may ask, e.g. giessen.")
@click.option("--dataset", "datasets", required=True, multiple=True, help="Key of a dataset; repeatable.")
@click.option("--purpose", "purposes", required=True, multiple=True, help="Purpose from the vocabulary; repeatable.")
@click.option("--application", "applications", multiple=True, help="Only this application; repeatable; default: all.")
@click.option("--from", "valid_from", type=DAY, help="First day (UTC); default: now.")
@click.option("--until", "valid_until", required=True, type=DAY, help="First day on which it no longer holds (UTC).")
@click.option("--note", default="", help="Where the agreement is written down.")
@click.pass_context
def add(
    ctx: click.Context,
    id_: str,
    member: str,
    datasets: tuple[str, ...],
    purposes: tuple[str, ...],
    applications: tuple[str, ...],
    valid_from: datetime | None,
    valid_until: datetime,
    note: str,
) -> None:
    """Let a member use shared datasets. Holds from the next query on."""
    new = Agreement(
        id=id_,
        member=member,
        datasets=frozenset(datasets),
        purposes=frozenset(purposes),
        applications=frozenset(applications),
        valid_from=valid_from.replace(tzinfo=UTC) if valid_from else datetime.now(UTC),
        valid_until=valid_until.replace(tzinfo=UTC),
    )
    with open_node(ctx) as node:
        try:
            add_agreement(node.engine, new, note)
        except StewardshipError as error:
            raise CommandError(str(error)) from error
    click.echo(f"agreement {id_} holds from {new.valid_from:%Y-%m-%d} until {new.valid_until:%Y-%m-%d}")


@agreement.command()
@click.argument("id_", metavar="ID")
@click.pass_context
def revoke(ctx: click.Context, id_: str) -> None:
    """Revoke an agreement at once."""
    with open_node(ctx) as node:
        try:
            revoke_agreement(node.engine, id_)
        except StewardshipError as error:
            raise CommandError(str(error)) from error
    click.echo(f"agreement {id_} is revoked")


@agreement.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List agreements, newest first."""
    with open_node(ctx) as node:
        rows = list_agreements(node.engine)
    now = datetime.now(UTC)
    table = Table("id", "member", "applications", "datasets", "purposes", "from", "until", "state")
    for row in rows:
        table.add_row(
            row["id"],
            row["member"],
            "\n".join(row["applications"]) or "all",
            "\n".join(row["datasets"]),
            "\n".join(row["purposes"]),
            f"{row['valid_from']:%Y-%m-%d}",
            f"{row['valid_until']:%Y-%m-%d}",
            _state(row, now),
        )
    print_table(table)


def _state(row: dict[str, Any], now: datetime) -> str:
    if row["revoked_at"] is not None:
        return f"revoked {row['revoked_at']:%Y-%m-%d}"
    if now < row["valid_from"]:
        return "not yet"
    return "ended" if now >= row["valid_until"] else "in force"
