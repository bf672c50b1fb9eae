"""Registering an application: with the public key that its makers hand over, or with a pair made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from federation.jose import public_jwks
from node.auth.applications import ApplicationError, Registration, add_application, set_keys
from node.auth.keys import KeyFileError, create_signing_key, load_public_key


def register_with_public_key(engine: Engine, new: Registration, key_file: Path) -> None:
    """Register an application whose public key (PEM) or key set (JWKS) is in `key_file`.

    Raises:
        ApplicationError, KeyFileError: the text says what to change.
    """
    add_application(engine, new.with_keys(_read_public(key_file)))


def register_with_new_key(engine: Engine, new: Registration, key_out: Path) -> None:
    """Make a key pair, write the private key to `key_out` (mode 0600) and register the public one.

    Raises:
        ApplicationError, KeyFileError: the text says what to change; nothing is left behind.
    """
    with _new_key(key_out) as jwks:
        add_application(engine, new.with_keys(jwks))


def rotate_to_public_key(engine: Engine, application_id: str, key_file: Path, *, drop_old: bool) -> None:
    """Give an application the further public key in `key_file`. Raises as `register_with_public_key`."""
    set_keys(engine, application_id, _read_public(key_file), drop_old=drop_old)


def rotate_to_new_key(engine: Engine, application_id: str, key_out: Path, *, drop_old: bool) -> None:
    """Make a key pair for an application that is registered. Raises as `register_with_new_key`."""
    with _new_key(key_out) as jwks:
        set_keys(engine, application_id, jwks, drop_old=drop_old)


@contextmanager
def _new_key(key_out: Path) -> Iterator[dict[str, Any]]:
    key = create_signing_key(key_out)
    try:
        yield public_jwks(key)
    except BaseException:
        key_out.unlink()  # a key that nothing knows helps nobody
        raise


def _read_public(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}") from None
    if not content.lstrip().startswith(b"{"):
        try:
            return public_jwks(load_public_key(content))
        except KeyFileError as error:
            raise KeyFileError(f"{path}: {error}") from None
    try:
        jwks = json.loads(content)
    except (ValueError, RecursionError):
        raise ApplicationError(f"key: {path} is neither PEM nor a JSON key set") from None
    return jwks if isinstance(jwks, dict) else {}
