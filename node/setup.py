"""Make a new node from nothing: directory, signing key, settings file, database schema."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy.exc import OperationalError

from node.auth.key_directory import add_key
from node.auth.key_ring import KeyUse
from node.auth.keys import passphrase_of
from node.auth.log_keys import load_log_keys
from node.settings import FILE_NAME, Settings, SettingsError, load_settings
from node.store.embedded import EmbeddedError, embedded_postgres
from node.store.engine import open_engine
from node.store.migrate import migrate


class NodeExists(Exception):
    """There is a node already; nothing was touched."""


class DatabaseMissing(Exception):
    """All is made but the database, which can't be reached; the text says how to go on."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What a new node is told; None leaves a setting at its default."""

    city: str
    name: str
    issuer: str
    ags: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    database_url: str | None = None
    key_passphrase_file: str | None = None
    unsafe_plain_http: bool = False
    demo: bool = False


NO_ENVIRONMENT: Mapping[str, str] = {}


def create_node(home: Path, plan: NodePlan, environment: Mapping[str, str] | None = NO_ENVIRONMENT) -> Settings:
    """Make the node; its settings are checked before anything else is made. `environment` None: this process's.

    Raises:
        NodeExists: `home` holds a node.
        SettingsError, KeyFileError: the plan, or the passphrase that it names, is not usable; there is no node.
        DatabaseMissing: there are settings and keys, and no database yet.
    """
    file = home / FILE_NAME
    if file.exists():
        raise NodeExists(
            f"{file} exists: this directory holds a node already; choose another one, or if its making was interrupted"
            f" go on with `verbund --home {shlex.quote(str(home))} migrate`"
        )
    home.mkdir(parents=True, exist_ok=True)
    part = home / f"{FILE_NAME}.part"
    try:
        write_settings(home, plan, part.name)
        settings = load_settings(home, environment, part.name)
        create_missing_keys(settings)
        part.replace(file)  # last: where it is there, nothing is missing but the database
    finally:
        part.unlink(missing_ok=True)
    try:
        migrate_node(settings)
    except (OperationalError, EmbeddedError) as error:
        told = str(getattr(error, "orig", error)).splitlines()[0]
        raise DatabaseMissing(
            f"settings and keys are made, but the database can't be reached: {told}."
            f" Correct database_url in {file} if it is wrong, then run `verbund --home {shlex.quote(str(home))}"
            " migrate`"
        ) from error
    return settings


def write_settings(home: Path, plan: NodePlan, name: str = FILE_NAME) -> None:
    """Write the settings file. Raises SettingsError if it can't hold them."""
    file = home / name
    try:
        content = _toml(plan).encode()
    except UnicodeEncodeError:
        raise SettingsError(["a setting is no text: set the terminal to UTF-8, and enter it again"]) from None
    file.touch(mode=0o600)
    file.chmod(0o600)  # a database URL holds a password
    file.write_bytes(content)


def create_missing_keys(settings: Settings) -> None:
    """The first key for each use, where there is none. Raises KeyFileError if it can't be made."""
    passphrase = passphrase_of(settings)
    present = {path.name.partition("-")[0].removesuffix(".pem") for path in settings.keys_home.glob("*.pem")}
    for use in KeyUse:
        if use not in present:
            add_key(settings.keys_home, use, None, passphrase)
    load_log_keys(settings)  # made here: where keys are mounted read-only, a node can't make them at its first start


def migrate_node(settings: Settings) -> None:
    """Bring the node's database up to date; the embedded one is started for it."""
    if settings.database_url is not None:
        _migrate(settings.database_url)
        return
    with embedded_postgres(settings.postgres_directory) as url:
        _migrate(url)


def _migrate(url: str) -> None:
    with open_engine(url) as engine:
        migrate(engine)


def _toml(plan: NodePlan) -> str:
    """Settings as TOML. JSON's strings, numbers and booleans are TOML's, too."""
    lines = ["# Settings of this node; all of them are explained in docs/settings.md"]
    lines += [
        f"{name} = {json.dumps(value, ensure_ascii=False)}"
        for name, value in asdict(plan).items()
        if value is not None and value is not False
    ]
    return "\n".join(lines) + "\n"
