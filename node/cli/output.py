"""What commands put out: tables, fitted to a terminal and never cut when piped; files, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 400


class _Plain(Console):
    """Cells may hold foreign text: none of it is markup, and none of it does anything to a terminal."""

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(printable(text), **{**how, "markup": False, "emoji": False})


def print_table(table: Table) -> None:
    """Print a table to standard output."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    _Plain(width=width).print(table)


def printable(text: str) -> str:
    """The text with what can't be printed as Python writes it, but for line breaks."""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file of the same name to write to, which takes the place of `path` at the end, or after an error does not.

    Raises:
        OSError: `path` can't be written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():  # a pipe, /dev/stdout: nothing to put in its place
        yield path
        return
    try:
        with TemporaryDirectory(prefix=f".{path.name}-", dir=target.parent) as beside:
            yield (part := Path(beside) / path.name)
            part.replace(target)
    except OSError as error:
        error.filename = str(path)
        raise
