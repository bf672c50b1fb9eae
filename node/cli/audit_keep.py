"""`verbund audit forget | expire | hold | accept`: what is kept of the log, and what is believed of others' logs."""

from __future__ import annotations

from datetime import timedelta

import click
from rich.table import Table

from node.audit.erase import GROUNDS, Retention, beyond_the_tree
from node.audit.erase import expire as expire_records
from node.audit.erase import forget as forget_personal
from node.audit.operator import HOLD
from node.audit.witness import LogState
from node.cli.audit_group import OPTIONS, open_log, wanted
from node.cli.context import ANY_FIRST_CHARACTER, CommandError
from node.cli.output import print_table


@click.command(epilog=OPTIONS, context_settings=ANY_FIRST_CHARACTER)
@click.argument("filter_", metavar="FILTER...", nargs=-1, required=True)
@click.option("--reason", type=click.Choice(GROUNDS), required=True, help="The ground, after Article 17 (1) GDPR.")
@click.pass_context
def forget(ctx: click.Context, /, filter_: tuple[str, ...], reason: str) -> None:
    """Erase the personal parts of the records that match: pseudonyms and token ids. Proofs keep holding."""
    text, chosen = wanted(filter_)
    with open_log(ctx) as log:
        later = beyond_the_tree(log.connection, chosen)
        count = forget_personal(log.connection, log.node.settings.city, text, chosen, reason)
    click.echo(f"personal parts of {count} records are erased")
    if later:
        click.echo(
            f"{later} newer records match, and are not in the tree yet: run the node, and this again in a minute"
        )


@click.command()
@click.pass_context
def expire(ctx: click.Context, /) -> None:
    """Erase the records whose time is over. The node does so itself once an hour."""
    with open_log(ctx) as log:
        settings = log.node.settings
        retention = Retention(timedelta(days=settings.keep_accesses_days), timedelta(days=settings.keep_security_days))
        count = expire_records(log.connection, settings.city, retention)
    click.echo(f"{count} records are erased")


@click.group()
def hold() -> None:
    """Legal holds: records that stay, whatever their time."""


@hold.command("add", epilog=OPTIONS, context_settings=ANY_FIRST_CHARACTER)
@click.argument("filter_", metavar="FILTER...", nargs=-1, required=True)
@click.option("--reason", required=True)
@click.pass_context
def add_hold(ctx: click.Context, /, filter_: tuple[str, ...], reason: str) -> None:
    """Hold the records that match, those to come included."""
    text, _ = wanted(filter_)
    with open_log(ctx) as log, log.connection.transaction():
        query = "insert into legal_hold (matching, reason) values (%s, %s) returning id"
        row = log.connection.execute(query, (text, reason)).fetchone()
        log.act(HOLD, f"{text}: {reason}").done(rows=0)
    assert row is not None
    click.echo(f"hold {row[0]}: {text}")


@hold.command("release")
@click.argument("number", type=int)
@click.pass_context
def release_hold(ctx: click.Context, /, number: int) -> None:
    """End a hold."""
    with open_log(ctx) as log, log.connection.transaction():
        query = "update legal_hold set released_at = now() where id = %s and released_at is null"
        if log.connection.execute(query, (number,)).rowcount == 0:
            raise CommandError(f"there is no hold {number} in force; `verbund audit hold list` shows them")
        log.act(HOLD, f"release {number}").done(rows=0)
    click.echo(f"hold {number} is released")


@hold.command("list")
@click.pass_context
def list_holds(ctx: click.Context, /) -> None:
    """List the holds, released ones too."""
    table = Table("hold", "since", "until", "filter", "reason")
    with open_log(ctx) as log:
        query = "select id, set_at, released_at, matching, reason from legal_hold order by id"
        for id_, since, until, matching, reason in log.connection.execute(query):
            table.add_row(str(id_), f"{since:%Y-%m-%d}", f"{until:%Y-%m-%d}" if until else "–", matching, reason)
    print_table(table)


@click.command()
@click.argument("city")
@click.option("--reason", required=True, help="What was found out.")
@click.pass_context
def accept(ctx: click.Context, /, city: str, reason: str) -> None:
    """Take CITY's log for consistent again, from its next head on: what was caught has been looked into."""
    broken = [state.value for state in LogState if state.is_broken]
    with open_log(ctx) as log, log.connection.transaction():
        query = "delete from witnessed_log where city = %s and state = any(%s) returning state, reason"
        row = log.connection.execute(query, (city, broken)).fetchone()
        if row is None:
            raise CommandError(f"nothing is held against the log of {city}")
        log.act("accept", f"{city}: {row[0]}: {row[1]}: {reason}").done(rows=0)
    click.echo(f"the log of {city} was {row[0]} ({row[1]}); it is watched anew")
