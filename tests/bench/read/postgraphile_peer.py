"""PostGraphile 5 from npm, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.read.npm import program
from tests.bench.read.service import Service, free_port, service

SOURCE = Path(__file__).parent / "postgraphile"


@contextmanager
def postgraphile(folder: Path, database_url: str, pool: int, log: Path) -> Iterator[Service]:
    """The server, ready. `install` of `SOURCE` into `folder` comes first."""
    port = free_port()
    with service(
        "postgraphile",
        [program("node"), "server.mjs"],
        port=port,
        ready="/",
        log=log,
        cwd=folder,
        environment={
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "POOL": str(pool),
        },
    ) as running:
        yield running
