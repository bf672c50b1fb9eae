"""`verbund assessment`."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import psycopg
from rich.table import Table

from node.audit.operator import decided
from node.cli.context import open_node, told
from node.cli.output import print_table
from node.store.assessments import AssessmentError, assess, sign_off, versions, withdraw, worklist
from policy.assessment import (
    COUNT_OPEN_OBLIGATIONS,
    Assessment,
    Consent,
    Need,
    PersonalReference,
)
from policy.errors import PolicyError
from policy.model import Tier
from policy.obligations import read_obligations

_Command = TypeVar("_Command", bound=Callable[..., object])
DAY = click.DateTime(["%Y-%m-%d"])
NONE = "none"


def _choice(kind: type[Any]) -> click.Choice[str]:
    return click.Choice([one.value for one in kind])


def _by(help_: str) -> Callable[[_Command], _Command]:
    return click.option("--by", default=getpass.getuser, help=f"{help_}; default: the user of this session.")


@click.group()
def assessment() -> None:
    """Assess datasets: nothing leaves INTERNAL before a second person has signed an assessment off."""


@assessment.command()
@click.argument("key")
@click.option("--tier", required=True, type=_choice(Tier), help="How far the dataset may travel.")
@click.option("--reason", required=True, help="Why the dataset belongs into this tier.")
@click.option("--personal", default="NONE", type=_choice(PersonalReference), help="Whether it tells of people.")
@click.option("--anonymisation", default="", help="How people were made unrecognisable.")
@click.option("--confidentiality", default="NORMAL", type=_choice(Need), help="Protection need, after BSI.")
@click.option("--integrity", default="NORMAL", type=_choice(Need), help="Protection need, after BSI.")
@click.option("--availability", default="NORMAL", type=_choice(Need), help="Protection need, after BSI.")
@click.option("--legal-basis", default="", help="ELI or text.")
@click.option("--purpose", "purposes", multiple=True, help="Allowed purpose; repeatable; default: not limited.")
@click.option("--licence", default="", help="E.g. dl-by-de/2.0.")
@click.option("--consent", default="NOT_NEEDED", type=_choice(Consent), help="Of the supervisory authority.")
@click.option("--consent-reference", default="", help="Where the consent is written down.")
@click.option("--hvd-category", default="", help="IRI of the category, if it is a high-value dataset.")
@click.option("--owner", "data_owner", default="", help="Office that owns the data.")
@click.option("--steward", "data_steward", default="", help="Who looks after it.")
@click.option("--review", type=DAY, help="Day of the next review.")
@click.option("--retention", multiple=True, help="How long results are kept, e.g. PT15M=P2Y; repeatable.")
@click.option("--reference-class", default="", help="Musterdatenkatalog, e.g. verkehr/radverkehr/messung.")
@click.option("--obligation", "obligations", multiple=True, help="For all other cities; repeatable; 'none' for none.")
@click.option("--open-obligation", "opens", multiple=True, help="For whoever has no agreement; repeatable; or 'none'.")
@_by("Who assesses")
@click.pass_context
def draft(ctx: click.Context, /, key: str, by: str, review: datetime | None, **words: Any) -> None:
    """Write a new assessment of the dataset KEY. It changes nothing before it is signed off."""
    with _connection(ctx) as (connection, city):
        counts = any(row["counts"] for row in worklist(connection, key=key))
        proposed = words["tier"] == Tier.OPEN.value and counts
        obligations = _told(words["obligations"], ())
        opens = _told(words["opens"], COUNT_OPEN_OBLIGATIONS if proposed else ())
        new = Assessment(
            dataset=key,
            author=by,
            tier=Tier(words["tier"]),
            reason=words["reason"],
            personal_reference=PersonalReference(words["personal"]),
            confidentiality=Need(words["confidentiality"]),
            integrity=Need(words["integrity"]),
            availability=Need(words["availability"]),
            purposes=frozenset(words["purposes"]) or None,
            consent=Consent(words["consent"]),
            review_due=review.replace(tzinfo=UTC) if review else None,
            retention=words["retention"],
            obligations=read_obligations(obligations),
            open_obligations=read_obligations(opens),
            **{name: words[name] for name in _TEXTS},
        )
        with decided(connection, city, "assessment", "draft", f"assessment draft {key} as {new.tier}"):
            version = assess(connection, new)
    done = ", ".join([*new.obligations.texts(), *(f"open: {text}" for text in new.open_obligations.texts())])
    click.echo(f"{key}: version {version} is written ({new.tier}; {done or 'no obligations'})")
    click.echo(f"a second person signs it off: verbund assessment sign-off {key} --version {version}")


_TEXTS = (
    "anonymisation", "legal_basis", "licence", "consent_reference", "hvd_category", "data_owner", "data_steward",
    "reference_class",
)  # fmt: skip


def _told(words: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    return () if words == (NONE,) else words or default


@assessment.command("sign-off")
@click.argument("key")
@click.option("--version", required=True, type=int, help="The version that was read.")
@_by("The second person")
@click.pass_context
def sign_off_(ctx: click.Context, key: str, version: int, by: str) -> None:
    """Put the newest assessment of the dataset KEY into force, from the next query on."""
    text = f"assessment sign-off {key} version {version}"
    with _connection(ctx) as (connection, city), decided(connection, city, "assessment", "sign-off", text):
        signed = sign_off(connection, key, version, by)
    click.echo(f"{key}: {signed.before.value} → {signed.tier.value}")


@assessment.command("withdraw")
@click.argument("key")
@click.option("--reason", required=True, help="Why.")
@_by("Who takes it back")
@click.pass_context
def withdraw_(ctx: click.Context, key: str, reason: str, by: str) -> None:
    """Take the dataset KEY back to INTERNAL at once."""
    text = f"assessment withdraw {key}"
    with _connection(ctx) as (connection, city), decided(connection, city, "assessment", "withdraw", text):
        before = withdraw(connection, key, reason, by)
    click.echo(f"{key}: {before.value} → INTERNAL")


@assessment.command("show")
@click.argument("key")
@click.pass_context
def show(ctx: click.Context, key: str) -> None:
    """Show all assessments of the dataset KEY, newest first."""
    with _connection(ctx) as (connection, _):
        rows = versions(connection, key)
    for row in rows:
        click.echo(f"version {row['version']}{', in force' if row['in_force'] else ''}")
        for name, value in row.items():
            if name not in _HIDDEN and value not in (None, "", []):
                click.echo(f"  {name}: {', '.join(value) if isinstance(value, list) else value}")


_HIDDEN = {"id", "dataset_id", "version", "dataset_digest", "in_force"}


@assessment.command("worklist")
@click.pass_context
def worklist_(ctx: click.Context) -> None:
    """List datasets about which something is to be done: unassessed, unsigned, overdue, changed since."""
    with _connection(ctx) as (connection, _):
        rows = worklist(connection)
    table = Table("key", "tier", "to do", "version", "by", "review due", "title")
    for row in rows:
        due = f"{row['review_due']:%Y-%m-%d}" if row["review_due"] else "–"
        version = str(row["version"]) if row["version"] else "–"
        table.add_row(row["key"], row["tier"], ", ".join(row["todo"]), version, row["author"] or "–", due, row["title"])
    print_table(table)


@contextmanager
def _connection(ctx: click.Context) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """The node's database, and its city; what a steward did wrong is one message."""
    with open_node(ctx) as node, node.connection() as connection, told(AssessmentError, PolicyError):
        yield connection, node.settings.city
