"""`verbund policy`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click
from rich.table import Table

from node.cli.context import CommandError, load_node_settings, open_node
from node.cli.explain import ask
from node.cli.output import print_table
from node.gate.rules import load_rules
from node.settings import Settings
from node.store.facts import read_facts
from policy.engine import Engine
from policy.errors import PolicyError
from policy.model import Action, Caller
from policy.rules import RuleSet

ACTIONS = click.Choice([action.value for action in Action])


@click.group()
def policy() -> None:
    """The rules: the federation's, and the city's own in the folder `policies`."""


@policy.command()
@click.pass_context
def test(ctx: click.Context, /) -> None:
    """Check the city's rules, and that they decide as `policies/expectations.toml` says."""
    rules = _loaded(load_node_settings(ctx))
    click.echo(f"policy {rules.version} is valid and decides as expected")


@policy.command("list")
@click.pass_context
def list_(ctx: click.Context, /) -> None:
    """List all rules with what they do."""
    rules = _loaded(load_node_settings(ctx))
    table = Table("rule", "effect", "obligation")
    for name, effect, obligation in _listed(rules):
        table.add_row(name, effect, obligation)
    print_table(table)


@policy.command()
@click.argument("dataset", metavar="[KEY]", required=False)
@click.option("--document", type=click.File(encoding="utf-8"), help="A GraphQL query: ask a node what it would do.")
@click.option("--node", help="URL of the node to ask about the document; default: this one.")
@click.option("--client-id", help="Ask as this application of the node.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Its private key (PEM).")
@click.option("--city", help="City of the application; default: nobody in particular.")
@click.option("--application", help="The application.")
@click.option("--purpose", help="The purpose.")
@click.option("--action", default=Action.READ_OBSERVATIONS.value, show_default=True, type=ACTIONS)
@click.pass_context
def explain(
    ctx: click.Context,
    /,
    dataset: str | None,
    document: TextIO | None,
    node: str | None,
    client_id: str | None,
    key: Path | None,
    city: str | None,
    application: str | None,
    purpose: str | None,
    action: str,
) -> None:
    """Explain why somebody may, or may not, have the dataset KEY: every way, every rule, every obligation.

    With --document, and as an application of the node or as nobody in particular, what a whole query would do: which
    cities it asks, which rules decide at each owner, what they oblige to, and what it costs there.
    """
    if document is not None:
        issuer = node or load_node_settings(ctx).issuer
        click.echo("\n".join(ask(issuer, document.read(), client_id=client_id, key=key, purpose=purpose)))
        return
    if dataset is None:
        raise CommandError("KEY: name a dataset, or give a query with --document")
    click.echo("\n".join(_explained(ctx, dataset, city, application, purpose, Action(action))))


def _explained(
    ctx: click.Context, dataset: str, city: str | None, application: str | None, purpose: str | None, action: Action
) -> list[str]:
    with open_node(ctx) as node, node.connection() as connection:
        settings = node.settings
        datasets, agreements = read_facts(connection)
        rules = _loaded(settings)
        judge = Engine(rules, owner=settings.city, datasets=datasets, agreements=agreements)
        peer = city if city not in (None, settings.city) else None
        caller = Caller(city, application, purpose, peer=peer)
        found = [one for one in judge.explain(caller, action, datetime.now(UTC)) if dataset in one.datasets]
    if not found:
        raise CommandError(f"dataset: {dataset!r} does not exist; see `verbund dataset list`")
    lines = found[0].lines()
    return [lines[0].replace(", ".join(found[0].datasets), dataset, 1), *lines[1:]]


def _loaded(settings: Settings) -> RuleSet:
    try:
        return load_rules(settings.policies_directory, settings.city)
    except PolicyError as error:
        raise CommandError(str(error)) from error


def _listed(rules: RuleSet) -> list[tuple[str, str, str]]:
    tree = rules.policies.to_pst()
    nodes = [*tree.static_policies.values(), *tree.templates.values()]
    return sorted((node.annotations["id"], str(node.effect), node.annotations.get("obligation", "")) for node in nodes)
