"""`verbund desk`."""

from __future__ import annotations

import asyncio

import click

from node.auth.sign_in.desk import LINK_S, Desks, Role
from node.auth.sign_in.store import SignInStore
from node.cli.audit_group import open_log
from node.store.pool import make_pool

PATH = "/sign-in?link="


@click.group()
def desk() -> None:
    """Let people of the city sign in to the node's own pages."""


@desk.command()
@click.argument("person")
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    default=["auditor"],
    show_default=True,
    help="What PERSON may do: auditors see the access log, stewards assess and agree; repeatable.",
)
@click.pass_context
def link(ctx: click.Context, /, person: str, roles: tuple[str, ...]) -> None:
    """Print a link that signs PERSON in once.

    The name, or pseudonym, stands in the records of what is looked at, and in what is assessed and signed off.
    """
    with open_log(ctx) as log:
        token = asyncio.run(_token(log.node.database_url, person, [Role(role) for role in roles]))
        log.act("link", f"{', '.join(roles)}: {person}").done(rows=0)
        click.echo(f"{log.node.settings.issuer}{PATH}{token}")
    click.echo(f"good for one sign-in within {LINK_S // 60} minutes", err=True)


@desk.command("sign-out")
@click.argument("person", required=False)
@click.pass_context
def sign_out(ctx: click.Context, /, person: str | None) -> None:
    """End all sessions of PERSON at once, and links that were not used; without PERSON everybody's.

    PERSON is the name in the records. Whoever the identity provider still lets in can sign in again.
    """
    with open_log(ctx) as log:
        ended = asyncio.run(_ended(log.node.database_url, person))
        log.act("sign-out", "one person" if person else "everybody").done(rows=ended)
    click.echo(f"{ended} sessions and links are ended")


async def _ended(database_url: str, person: str | None) -> int:
    async with make_pool(database_url, size=1, statement_ms=5_000) as pool:
        return await Desks(SignInStore(pool)).end(person)


async def _token(database_url: str, person: str, roles: list[Role]) -> str:
    async with make_pool(database_url, size=1, statement_ms=5_000) as pool:
        return await Desks(SignInStore(pool)).link(person, roles)
