"""One PostgreSQL server with a database for each node."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate
from node.store.revisions import head_revision
from tests.bench.federation.world import CITIES, SCALE, SEEDS
from tests.bench.read.database import named, server_pid, settle
from tests.bench.read.verbund_rows import fill_verbund

VERSION = "federation rows 2"


@dataclass(frozen=True, slots=True)
class CityDatabases:
    """URLs by city, and the server's process."""

    nodes: Mapping[str, str]
    server_pid: int


@contextmanager
def city_databases(folder: Path, progress: Callable[[str], None]) -> Iterator[CityDatabases]:
    """The filled databases in `folder`; what an earlier run has filled is used again, unless the schema is another."""
    mark = folder / "filled"
    wanted = f"{VERSION}, {SCALE.datastreams} x {SCALE.each}, schema {head_revision()}\n"
    is_filled = mark.is_file() and mark.read_text() == wanted
    if not is_filled:
        mark.unlink(missing_ok=True)
        shutil.rmtree(folder / "postgres", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with embedded_postgres(folder / "postgres") as url:
        nodes = {city: named(url, f"node_{city}") for city in CITIES}
        if not is_filled:
            progress(f"filling the databases of {len(CITIES)} cities; this is needed once")
            for city in CITIES:
                _fill(url, city, nodes[city])
            mark.write_text(wanted)
        yield CityDatabases(nodes, server_pid(folder / "postgres"))


def _fill(server: str, city: str, node: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database node_{city} encoding 'UTF8' template template0".encode())
    engine = make_engine(node)
    migrate(engine)
    engine.dispose()
    fill_verbund(node, SCALE, SEEDS[city])
    settle(node)
