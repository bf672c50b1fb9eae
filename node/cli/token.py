"""`verbund token`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from federation.errors import PeerError
from node.auth.keys import load_signing_key
from node.auth.token_client import obtain_token
from node.cli.context import CommandError


@click.command()
@click.option("--node", "issuer", required=True, help="URL of the node, e.g. https://daten.giessen.example.")
@click.option("--client-id", required=True, help="The application's id.")
@click.option("--key", required=True, type=click.Path(path_type=Path), help="The application's private key (PEM).")
@click.option("--purpose", help="Why you ask; may be left out if one purpose is registered.")
@click.option("--scope", help="Scopes with spaces between them; default: all that are registered.")
def token(issuer: str, client_id: str, key: Path, purpose: str | None, scope: str | None) -> None:
    """Get an access token for an application and print it, and nothing else.

    curl -H "Authorization: Bearer $(verbund token …)" …
    """
    signing_key = load_signing_key(key)
    try:
        click.echo(asyncio.run(obtain_token(issuer, client_id, signing_key, purpose, scope)))
    except PeerError as error:
        raise CommandError(f"{issuer} gave no token: {error.reason}") from error
    except ValueError as error:
        raise CommandError(f"--node: {error}") from error
