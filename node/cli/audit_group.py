"""What the commands of `verbund audit` share: the open log, and the filter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import psycopg

from node.audit.grammar import Filter, FilterError, read_filter
from node.audit.operator import Act
from node.cli.context import CommandError, OpenNode, open_node

OPTIONS = """FILTER is made of terms like city:giessen dataset:giessen:dataset:kfz decision:deny purpose:research
role:owner state:ok kind:security application:… rule:… action:… trace:… after:2026-11-01 before:2026-12-01T12:00:00Z; a
minus before a term turns it round."""


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
