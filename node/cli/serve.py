"""`verbund serve`. This process only supervises, so it imports little: what it holds, every small node pays for."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from os import EX_TEMPFAIL

import click

from node.serving import AddressUnusable, check_address, run_server
from node.settings import Settings, home_directory, load_settings
from node.telemetry.logs import set_up_logs

log = logging.getLogger("verbund.serve")


@click.command()
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Run the node until it is interrupted.

    While the database can't be reached it tries again; exit code 1 if somebody has to correct something.
    """
    settings = load_settings(ctx.find_root().obj or home_directory())
    set_up_logs(settings.log_level, settings.log_format)
    try:
        check_address(settings.host, settings.port)
        if settings.metrics_port is not None:
            check_address(settings.metrics_host, settings.metrics_port, "metrics_port")
    except AddressUnusable as error:
        raise click.ClickException(str(error)) from error
    url = settings.database_url
    with nullcontext(url) if url is not None else _database(settings) as url:
        for name in settings.unsafe:
            click.secho(f"UNSAFE: {name} is set. Never do this in production.", fg="red", err=True)
        if not run_server(settings, url, partial(_is_of_use, settings)):
            ctx.exit(1)


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The embedded PostgreSQL, started again whenever it has died. A node with a server does not load it."""
    from node.store.embedded import embedded_postgres, kept_running

    with embedded_postgres(settings.postgres_directory) as url, kept_running(settings.postgres_directory, url):
        yield url


def _is_of_use(settings: Settings) -> bool:
    """What a worker stumbled over at its start is told, without a traceback; False if somebody has to correct it."""
    command = [sys.executable, "-m", "node.cli", "--home", str(settings.home), "doctor", "--local", "--format=failed"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode in {0, EX_TEMPFAIL}:
        log.warning("%s", done.stderr.strip() or "what was wrong has passed")
        return True
    click.echo(done.stderr, err=True, nl=False)
    return False
