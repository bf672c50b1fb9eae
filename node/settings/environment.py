"""The process's environment: nothing else reads or writes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PREFIX = "VERBUND_"


def variables(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    """Those that name settings, without the prefix, in small letters; of this process unless others are given."""
    found = os.environ if environment is None else environment
    return {
        variable.removeprefix(PREFIX).lower(): value
        for variable, value in found.items()
        if variable.startswith(PREFIX) and variable != f"{PREFIX}HOME"
    }


def home_directory(environment: Mapping[str, str] | None = None) -> Path:
    """The node's home if no `--home` is given: `VERBUND_HOME`, else the current directory."""
    environment = os.environ if environment is None else environment
    return Path(environment.get(f"{PREFIX}HOME", "."))


def hand_over(**values: str) -> None:
    """Put settings into the environment of the worker processes that this process will start."""
    os.environ.update({f"{PREFIX}{name.upper()}": value for name, value in values.items()})


def environment_with(**values: str) -> dict[str, str]:
    """This process's environment and more, for a program that it starts: others can't read it, unlike arguments."""
    return os.environ | values


def keep_large_blocks() -> None:
    """Let the processes that this one starts keep blocks of up to 4 MB for the next answer (mallopt(3), glibc only).

    To fetch the pages of each block anew takes a fifth of the time of a large answer, here as in PostgreSQL. What the
    operator has set stays.
    """
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(4 * 2**20))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(8 * 2**20))
