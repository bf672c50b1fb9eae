"""Reads a mapping file; what is wrong is told with field, value and remedy."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from node.ingest.counts.mapping import Mapping
from node.ingest.counts.mapping_check import check_mapping
from node.ingest.errors import MappingError

MAX_BYTES = 1_000_000


def load_mapping(path: Path) -> tuple[Mapping, bytes]:
    """Read and check a mapping; returns it with the file's bytes, which are part of the digest of every import.

    Raises:
        MappingError: the file is missing or wrong; names the field, the value and the remedy.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MappingError(f"{path} can't be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise MappingError(f"{path} is larger than 1 MB: is it a mapping?")
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MappingError(f"{path} is not valid TOML: {error}") from None
    try:
        mapping = msgspec.convert(values, Mapping)
    except msgspec.ValidationError as error:
        raise MappingError(f"{path}: {_explain(str(error), values)}") from None
    if problems := list(check_mapping(mapping)):
        raise MappingError("\n".join(f"{path}: {problem}" for problem in problems))
    return mapping, content


def _explain(message: str, values: dict[str, Any]) -> str:
    """Turn msgspec's message into: field, value, problem, remedy."""
    problem, _, where = message.partition(" - at `")
    field = where.rstrip("`").removeprefix("$").removeprefix(".").replace("key in ", "")
    found: Any = values
    for step in re.findall(r"[^.\[\]]+", field):
        found = found.get(step) if isinstance(found, dict) else None
    shown = f" = {found!r}" if isinstance(found, str | int | float | bool) else ""
    return f"{field or 'mapping'}{shown}: {problem}. See docs/ingest.md for this field"
