"""Read the settings: the file `verbund.toml` in the node's home, overridden by `VERBUND_…` variables."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from node.settings.checks import problems_of
from node.settings.desk import Desk
from node.settings.environment import PREFIX, variables
from node.settings.errors import SettingsError
from node.settings.limits import Limits
from node.settings.meaning import Secret
from node.settings.model import Settings
from node.settings.portal import Portal

FILE_NAME = "verbund.toml"
TABLES: Mapping[str, type[msgspec.Struct]] = {"limits": Limits, "portal": Portal, "desk": Desk}
LISTS = frozenset({"peer_networks"})  # of which a variable holds several, with commas between them
_NOT_IN_FILE = {
    "key_passphrase": "key_passphrase: must not stand in a file beside the keys. Set it as VERBUND_KEY_PASSPHRASE, or"
    " name a file that is kept apart with key_passphrase_file",
    "home": "home: is the directory that this file lies in. Remove it here, and choose another one with --home",
}


def load_settings(home: Path, environment: Mapping[str, str] | None = None, name: str = FILE_NAME) -> Settings:
    """Read and check the settings of the node in `home`; `name`: of their file there.

    Raises:
        SettingsError: a setting is missing, unknown or wrong.
    """
    values = _read_file(home / name)
    if misplaced := [problem for name, problem in _NOT_IN_FILE.items() if name in values]:
        raise SettingsError(misplaced)
    overrides = _from_variables(variables(environment))
    for table_name in TABLES:
        table = values.get(table_name, {})
        if not isinstance(table, dict):
            raise SettingsError(
                [f"{table_name}: {table!r} is not a table. Write [{table_name}] with a line for each of its settings"]
            )
        values[table_name] = {**table, **overrides.pop(table_name, {})}
    values.update(overrides)
    values["home"] = str(home.resolve())
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_made)
    except msgspec.ValidationError as error:
        raise SettingsError([_explain(str(error), home / FILE_NAME)]) from None
    if problems := problems_of(settings):
        raise SettingsError(problems)
    return settings


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError([f"{path} does not exist: run `verbund init` or name the node's home with --home"])
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path} is not valid TOML: {error}"]) from None


def _from_variables(found: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in found.items():
        table, _, entry = name.partition("_")
        if name in Settings.__struct_fields__ and name not in TABLES:
            values[name] = [part.strip() for part in value.split(",") if part.strip()] if name in LISTS else value
        elif table in TABLES and entry in TABLES[table].__struct_fields__:
            values.setdefault(table, {})[entry] = value
        else:
            variable = f"{PREFIX}{name.upper()}"
            raise SettingsError([f"{variable} is not a setting: remove it; the settings are in docs/settings.md"])
    return values


def _made(kind: type, value: Any) -> Any:
    if kind in {Path, Secret} and isinstance(value, str):
        return kind(value)
    raise NotImplementedError(kind)


def _explain(message: str, path: Path) -> str:
    """Turn msgspec's message into: setting, problem, remedy."""
    problem, _, where = message.partition(" - at `$.")
    named = re.search(r"field `(\w+)`", problem)
    setting = ".".join(part for part in (where.rstrip("`"), named[1] if named else "") if part)
    if "unknown field" in problem:
        return f"{setting}: is not a setting. Remove it from {path}; the settings are in docs/settings.md"
    return f"{setting}: {problem}. Set it in {path} or as {PREFIX}{setting.upper().replace('.', '_')}"
