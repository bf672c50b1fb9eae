"""`verbund token`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from federation.errors import PeerError
from node.auth.keys import load_signing_key
from node.auth.token_client import obtain_token
from node.cli.context import CommandError


@click.command()
@click.option("--node", "issuer", required=True, help="URL of the node, e.g. https://daten.giessen.example.")
@click.option("--client-id", required=True, help="The application's id.")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The application's private key (PEM).",
)
@click.option("--purpose", help="Why you ask; may be left out if one purpose is registered.")
@click.option("--scope", help="Scopes with spaces between them; default: all that are registered.")
@click.option("--legal-basis", help="What the access rests on, e.g. a paragraph; goes into the records.")
@click.option("--agreement", help="The agreement that is meant; goes into the records.")
@click.option("--method", default="POST", show_default=True, help="Method of the request.")
@click.option("--url", help="Address of the request; default: the node's /graphql.")
@click.option("--for-explorer", is_flag=True, help="Print token and proof key for the API explorer's dialog instead.")
def token(
    issuer: str,
    client_id: str,
    key: Path,
    purpose: str | None,
    scope: str | None,
    legal_basis: str | None,
    agreement: str | None,
    method: str,
    url: str | None,
    *,
    for_explorer: bool,
) -> None:
    """Get an access token for an application, and print the two headers of one request that uses it.

    verbund token … | curl -H @- -H 'Content-Type: application/json' -d '{"query": …}' …/graphql
    """
    signing_key = load_signing_key(key)
    try:
        access = asyncio.run(
            obtain_token(issuer, client_id, signing_key, purpose, scope, legal_basis=legal_basis, agreement=agreement)
        )
        if for_explorer:
            held = {"token": access.token, "key": access.key.private_jwk, "nonce": access.nonce}
            click.echo(json.dumps(held, separators=(",", ":")))
            return
        for name, value in access.headers(method.upper(), url or f"{issuer}/graphql").items():
            click.echo(f"{name}: {value}")
    except PeerError as error:
        raise CommandError(f"{issuer} gave no token: {error.reason}") from error
    except ValueError as error:
        raise CommandError(f"--node: {error}") from error
