"""One server for all systems: Verbund's own database, and a plain one with the same rows for the peers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate
from tests.bench.read.peer_rows import fill_peers
from tests.bench.read.scale import BYTES_A_ROW, Scale
from tests.bench.read.verbund_rows import fill_verbund

VERSION = "rows 1"
PEERS = "peers"


class TooLittleDisk(Exception):
    """The rows would not fit."""


@dataclass(frozen=True, slots=True)
class Databases:
    """Where the rows are, for Verbund and for its peers; and the server's process."""

    verbund: str
    peers: str
    server_pid: int


@contextmanager
def databases(folder: Path, scale: Scale, progress: Callable[[str], None]) -> Iterator[Databases]:
    """The filled databases in `folder`; what an earlier run has filled is used again.

    Raises:
        TooLittleDisk: naming the need and what is free.
    """
    mark = folder / "filled"
    wanted = f"{VERSION}, {scale.datastreams} x {scale.each}\n"
    if not mark.is_file() or mark.read_text() != wanted:
        mark.unlink(missing_ok=True)
        shutil.rmtree(folder / "postgres", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    if not mark.is_file():
        _check_disk(folder, scale)
    with embedded_postgres(folder / "postgres") as url:
        peers = named(url, PEERS)
        engine = make_engine(url)
        migrate(engine)
        engine.dispose()
        if not mark.is_file():
            progress(f"filling two databases with {scale.observations:,} observations each; this is needed once")
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"create database {PEERS} template template0")
            fill_verbund(url, scale)
            fill_peers(peers, scale)
            settle(url, peers)
            mark.write_text(wanted)
        yield Databases(url, peers, server_pid(folder / "postgres"))


def _check_disk(folder: Path, scale: Scale) -> None:
    needed, free = scale.observations * BYTES_A_ROW, shutil.disk_usage(folder).free
    if needed > free:
        raise TooLittleDisk(
            f"{scale.observations:,} observations need about {needed / 1e9:.0f} GB of disk in {folder},"
            f" {free / 1e9:.0f} GB are free: free some, or ask for fewer with --observations"
        )


def settle(*urls: str) -> None:
    """Statistics, visibility and a checkpoint, so that no measurement pays for them."""
    for url in urls:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("vacuum (freeze, analyze)")
            connection.execute("checkpoint")


def server_pid(data: Path) -> int:
    """Of the server whose data lie there."""
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def named(url: str, database: str) -> str:
    """The URL of another database of the same embedded server."""
    head, _, tail = url.rpartition("/verbund?")
    return f"{head}/{database}?{tail}"
