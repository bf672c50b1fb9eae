"""Fixtures that all tests share: a real PostgreSQL, a fresh migrated database per test, the real data folder."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate

REPOSITORY = Path(__file__).parent.parent
TEMPLATE = "verbund_template"


LONGEST = (  # files of half a minute and more
    "test_faces.py",
    "test_supervisor.py",
    "test_survival.py",
    "test_kill.py",
    "test_versions.py",
    "test_guide.py",
    "test_log.py",
    "test_commands.py",
    "test_schedules.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that no worker is still busy with one when all others have finished."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seeds FIRST:END` chooses the schedules of tests/simulator, `--worlds` the cities of tests/union."""
    parser.addoption("--seeds", default="0:300", help="schedules of faults to simulate, e.g. 0:10000")
    parser.addoption("--worlds", default="0:12", help="worlds of several cities to ask about, e.g. 0:500")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for this test process; without fsync, since tests do not pull the plug on it."""
    with (
        tempfile.TemporaryDirectory(prefix="vb-", ignore_cleanup_errors=True) as directory,
        embedded_postgres(Path(directory) / "pg") as url,
    ):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
            connection.execute(f"create database {TEMPLATE}")
        engine = make_engine(_at(url, TEMPLATE))
        migrate(engine)
        engine.dispose()
        yield url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A database of its own with the current schema."""
    with _database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres_url: str) -> Iterator[str]:
    """The same for all tests of a module, for those that only read."""
    with _database(postgres_url) as url:
        yield url


@contextmanager
def _database(postgres_url: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {TEMPLATE}")
    yield _at(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data is not here: it lies in ../shared/data beside the repository where it exists")
    return folder


def _at(url: str, database: str) -> str:
    head, _, tail = url.rpartition("/verbund?")
    return f"{head}/{database}?{tail}"
