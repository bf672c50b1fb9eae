"""Tables at the command line: fitted to a terminal, never cut when piped."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 400


def print_table(table: Table) -> None:
    """Print a table to standard output."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width).print(table)
