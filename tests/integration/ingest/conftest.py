from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

MUENSTER = Path(__file__).parent / "muenster.toml"


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection that sees what the importers committed."""
    with psycopg.connect(database_url, autocommit=True, options="-c TimeZone=UTC") as connection:
        yield connection


@pytest.fixture
def rows(connection: psycopg.Connection) -> Callable[..., list[Any]]:
    """Run a query: a list of rows, or of values if there is one column."""

    def run(statement: str, *parameters: Any) -> list[Any]:
        found = connection.execute(statement, parameters).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    return run


@pytest.fixture
def counters(tmp_path: Path) -> Callable[..., Path]:
    """Write counter files below a folder; returns the folder."""
    folder = tmp_path / "counters"

    def write(**files: str) -> Path:
        for name, content in files.items():
            path = folder / f"{name.replace('__', '/')}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode("utf-8"))
        return folder

    return write


@pytest.fixture
def mapping() -> Path:
    """The mapping of the Münster layout."""
    return MUENSTER
