"""What commands put out: tables, fitted to a terminal and never cut when piped; files, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 400


def print_table(table: Table) -> None:
    """Print a table to standard output. What is in it may be foreign text, so none of it is markup."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width, markup=False, emoji=False).print(table)


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
