"""`verbund policy`."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.table import Table

from node.cli.context import CommandError, load_node_settings, open_node
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
@click.argument("dataset", metavar="KEY")
@click.option("--city", help="City of the application; default: nobody in particular.")
@click.option("--application", help="The application.")
@click.option("--purpose", help="The purpose.")
@click.option("--action", default=Action.READ_OBSERVATIONS.value, show_default=True, type=ACTIONS)
@click.pass_context
def explain(
    ctx: click.Context, /, dataset: str, city: str | None, application: str | None, purpose: str | None, action: str
) -> None:
    """Explain why somebody may, or may not, have the dataset KEY: every way, every rule, every obligation."""
    with open_node(ctx) as node, node.connection() as connection:
        settings = node.settings
        datasets, agreements = read_facts(connection)
        rules = _loaded(settings)
        judge = Engine(rules, owner=settings.city, datasets=datasets, agreements=agreements)
        peer = city if city not in (None, settings.city) else None
        caller = Caller(city, application, purpose, peer=peer)
        found = [one for one in judge.explain(caller, Action(action), datetime.now(UTC)) if dataset in one.datasets]
    if not found:
        raise CommandError(f"dataset: {dataset!r} does not exist; see `verbund dataset list`")
    lines = found[0].lines()
    click.echo("\n".join([lines[0].replace(", ".join(found[0].datasets), dataset, 1), *lines[1:]]))


def _loaded(settings: Settings) -> RuleSet:
    try:
        return load_rules(settings.policies_directory, settings.city)
    except PolicyError as error:
        raise CommandError(str(error)) from error


def _listed(rules: RuleSet) -> list[tuple[str, str, str]]:
    tree = rules.policies.to_pst()
    nodes = [*tree.static_policies.values(), *tree.templates.values()]
    return sorted((node.annotations["id"], str(node.effect), node.annotations.get("obligation", "")) for node in nodes)
