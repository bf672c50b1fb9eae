"""`verbund check`."""

from __future__ import annotations

import click
import psycopg

from node.auth.key_directory import NodeKeys
from node.auth.keys import passphrase_of
from node.cli.context import CommandError, open_node
from node.gate import load_rules
from node.http.trusted import load_documents
from node.members import peer_transport
from node.store.migrate import schema_state
from node.store.reading_role import ENTER
from schema.build import build_schema


@click.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Check what a node needs to be served: settings, keys, rules, trusted documents, the database's schema."""
    with open_node(ctx) as node:
        NodeKeys(node.settings.keys_home, passphrase_of(node.settings))
        peer_transport(node.settings)
        load_rules(node.settings.policies_directory, node.settings.city)
        load_documents(node.settings.trusted_documents_directory, build_schema().documents)
        state = schema_state(node.engine)
        if not state.is_current:
            raise CommandError(f"the schema is {state.current}, not {state.head}: run `verbund migrate` first")
        with psycopg.connect(node.database_url, autocommit=True) as connection:
            try:
                connection.execute(ENTER)
            except psycopg.errors.SystemError as error:
                raise CommandError(f"{error.diag.message_primary}: {error.diag.message_hint}") from error
    click.echo("the node can be served")
