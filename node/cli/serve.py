"""`verbund serve`. This process only supervises, so it imports little: what it holds, every small node pays for."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import click

from node.serving import run_server
from node.settings import Settings, home_directory, load_settings
from node.store.embedded import embedded_postgres, kept_running


@click.command()
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Run the node until it is interrupted."""
    settings = load_settings(ctx.find_root().obj or home_directory())
    with ExitStack() as stack:
        url = settings.database_url or stack.enter_context(embedded_postgres(settings.postgres_directory))
        _check(ctx, settings)
        if settings.unsafe_plain_http:
            click.secho(
                "UNSAFE: plain http is allowed (unsafe_plain_http). Never do this in production.", fg="red", err=True
            )
        if settings.database_url is None:
            stack.enter_context(kept_running(settings.postgres_directory, url))
        run_server(settings, url)


def _check(ctx: click.Context, settings: Settings) -> None:
    """What a worker would stumble over at its start is told here, once and without a traceback."""
    command = [sys.executable, "-m", "node.cli", "--home", str(settings.home), "doctor", "--local", "--format=failed"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        click.echo(done.stderr, err=True, nl=False)
        ctx.exit(done.returncode)
