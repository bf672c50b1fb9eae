"""`verbund audit`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import orjson
import psycopg
from rich.table import Table

from node.audit.grammar import Filter, FilterError, read_filter
from node.audit.operator import READ, Act
from node.audit.search import list_records
from node.cli.context import CommandError, OpenNode, open_node
from node.cli.output import print_table

COLUMNS = (
    "position", "at", "role", "counterpart", "caller_city", "application", "purpose", "action", "decision", "state",
    "rows",
)  # fmt: skip
OPTIONS = """FILTER is made of terms like city:giessen dataset:giessen:dataset:kfz decision:deny purpose:research
role:owner state:ok application:… rule:… action:… trace:… after:2026-11-01 before:2026-12-01T12:00:00Z; a minus before a
term turns it round."""

MINUS = {"ignore_unknown_options": True}  # terms may begin with one


@dataclass(frozen=True, slots=True)
class OpenLog:
    """The node, and a connection of its own with its database."""

    node: OpenNode
    connection: psycopg.Connection[Any]

    def act(self, verb: str, text: str) -> Act:
        """An act of the operator, to be recorded."""
        return Act(self.connection, self.node.settings.city, verb, text)


@contextmanager
def open_log(ctx: click.Context) -> Iterator[OpenLog]:
    """The node's log; raises as `open_node`."""
    with open_node(ctx) as node, psycopg.connect(node.database_url, autocommit=True) as connection:
        connection.execute("set time zone 'UTC'")
        yield OpenLog(node, connection)


def wanted(words: tuple[str, ...]) -> tuple[str, Filter]:
    """The filter's text and meaning. A shell splits it at spaces, and eats its quotation marks."""
    text = " ".join(_quoted(word) for word in words)
    try:
        return text, read_filter(text)
    except FilterError as error:
        raise CommandError(f"FILTER: {error.reason}") from error


def _quoted(word: str) -> str:
    name, colon, value = word.partition(":")
    one_value = colon and " " in value and ":" not in value and '"' not in value
    return f'{name}:"{value}"' if one_value else word


@click.group()
def audit() -> None:
    """Who asked for what, what was decided, and the proof of it."""


@audit.command("list", epilog=OPTIONS, context_settings=MINUS)
@click.argument("filter_", metavar="[FILTER]...", nargs=-1)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--format", "format_", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@click.pass_context
def list_(ctx: click.Context, /, filter_: tuple[str, ...], limit: int, format_: str) -> None:
    """List access records, newest first. Times are UTC. That you looked is recorded."""
    text, chosen = wanted(filter_)
    with open_log(ctx) as log:
        act = log.act(READ, text)
        records = list(list_records(log.connection, chosen, limit))
        act.done(rows=len(records))
    if format_ == "jsonl":
        for record in records:
            click.echo(orjson.dumps(record).decode())
        return
    table = Table(*COLUMNS, "datasets", "rules")
    for record in records:
        cells = [str(record[name] if record[name] is not None else "–") for name in COLUMNS]
        cells[1] = f"{record['at']:%Y-%m-%d %H:%M:%S}"
        table.add_row(*cells, "\n".join(record["datasets"]) or "–", "\n".join(record["rules"]) or "–")
    print_table(table)
