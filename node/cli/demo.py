"""`verbund demo`."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import click

from node.cli.context import CommandError
from node.demo.banner import banner
from node.demo.processes import NodeFailed, NodeProcess
from node.demo.run import running, watch
from node.demo.setup import DemoFederation, prepare
from node.demo.showcase import Outcome, Showcase


@click.command()
@click.option("--check", is_flag=True, help="Run the showcase, print a line per step, and end: 0 if all hold, else 1.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help="Where the demo's nodes live; delete it to start afresh.",
)
@click.option(
    "--days", type=click.IntRange(1, 372), help="Days of observations on a first start; default: a year and a week."
)
def demo(directory: Path, days: int | None, *, check: bool) -> None:
    """Run four synthetic cities on 127.0.0.1, ports 8100 to 8104, until Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    try:
        federation = prepare(directory.resolve(), days=days, progress=lambda text: click.echo(f"  {text}"))
        with running(federation) as nodes:
            click.echo(f"four cities are ready after {time.monotonic() - started:.1f} s")
            if check:
                sys.exit(0 if _showcase(federation, nodes) else 1)
            click.echo(banner(federation, nodes))
            watch(nodes, click.echo)
    except NodeFailed as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        click.echo("\nstopped")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _showcase(federation: DemoFederation, nodes: Mapping[str, NodeProcess]) -> bool:
    def tell(outcome: Outcome) -> None:
        word = click.style("PASS", fg="green") if outcome.ok else click.style("FAIL", fg="red")
        click.echo(f"{word}  {outcome.title}: {outcome.detail}")

    return asyncio.run(Showcase(federation, nodes).run(tell))
