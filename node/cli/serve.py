"""`verbund serve`."""

from __future__ import annotations

from contextlib import ExitStack

import click

from node.auth.keys import load_signing_key
from node.cli.context import CommandError, open_node
from node.gate import load_rules
from node.serving import run_server
from node.store.embedded import kept_running
from node.store.migrate import schema_state


@click.command()
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Run the node until it is interrupted."""
    with open_node(ctx) as node:
        # what a worker would stumble over at its start is told here, once and without a traceback
        load_signing_key(node.settings.signing_key_file)
        load_rules(node.settings.city_policy_file)
        state = schema_state(node.engine)
        node.engine.dispose()
        if not state.is_current:
            raise CommandError(f"the schema is {state.current}, not {state.head}: run `verbund migrate` first")
        if node.settings.unsafe_plain_http:
            click.secho(
                "UNSAFE: plain http is allowed (unsafe_plain_http). Never do this in production.", fg="red", err=True
            )
        with ExitStack() as stack:
            if node.settings.database_url is None:
                stack.enter_context(kept_running(node.settings.postgres_directory, node.database_url))
            run_server(node.settings, node.database_url)
