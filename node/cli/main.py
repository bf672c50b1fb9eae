"""`verbund`: the entry point. Commands are imported when they are used, so that `--help` is quick."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click

COMMANDS = {
    "agreement": ("node.cli.agreement:agreement", "Agree with members on the use of data; list and revoke."),
    "anchor": ("node.cli.anchor:anchor", "Vouch for the members: the anchor's office."),
    "assessment": ("node.cli.assessment:assessment", "Assess datasets, with four eyes; list what is to be done."),
    "audit": ("node.cli.audit:audit", "Ask the access log, prove it, keep it."),
    "backup": ("node.cli.backup:backup", "Back up the node into a directory."),
    "client": ("node.cli.client:client", "Register the city's applications."),
    "dataset": ("node.cli.dataset:dataset", "List datasets and their tiers."),
    "desk": ("node.cli.desk:desk", "Let people sign in to the node's desks."),
    "doctor": ("node.cli.doctor:doctor", "Check that the node is well."),
    "demo": ("node.cli.demo:demo", "Run four cities on this machine."),
    "ingest": ("node.cli.ingest:ingest", "Import catalogs and counts."),
    "init": ("node.cli.init:init", "Make a new city's node: keys, settings, database."),
    "key": ("node.cli.key:key", "Rotate, revoke and list the node's keys."),
    "member": ("node.cli.member:member", "Join; approve, suspend and list members."),
    "migrate": ("node.cli.migrate:migrate", "Bring the database's schema up to date."),
    "policy": ("node.cli.policy:policy", "Check, list and explain the rules."),
    "restore": ("node.cli.backup:restore", "Make the node's database anew from a backup."),
    "schema": ("node.cli.schema:schema", "Print the GraphQL schema."),
    "serve": ("node.cli.serve:serve", "Run the node."),
    "settings": ("node.cli.settings:settings", "Show the settings that hold, and what they mean."),
    "token": ("node.cli.token:token", "Get an access token for an application."),
}


class Lazy(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in sorted(COMMANDS.items())])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="The node's directory; default: VERBUND_HOME, else the current directory.",
)
@click.version_option(version("verbund"), message="verbund %(version)s")
@click.pass_context
def cli(ctx: click.Context, home: Path | None) -> None:
    """Cities query each other's data live, with no central copy."""
    ctx.obj = home


def main() -> None:
    """Run the command; foreseeable errors are one message and exit code 1, never a traceback."""
    try:
        cli(prog_name="verbund")
    except Exception as error:
        from node.cli.context import FORESEEN

        if isinstance(error, OSError) and error.filename is not None:
            click.echo(f"verbund: {error.filename}: {error.strerror}", err=True)
        elif isinstance(error, FORESEEN):
            click.echo(f"verbund: {error}", err=True)
        else:
            raise
        sys.exit(1)
