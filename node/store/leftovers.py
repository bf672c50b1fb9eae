"""What is left of an embedded server that was killed must not pass for one that runs, nor be run beside.

A lock file `postmaster.pid` names a process. After a power cut, or in a container that was started again, that number
may be any other process's, and then neither PostgreSQL nor its wheel would start the server. The other danger is a new
server beside the last processes of the old one: PostgreSQL knows them by the lock file, so it is removed only when they
have ended.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

import psutil

LOCK_FILE = "postmaster.pid"
USERS_FILE = ".handle_pids.json"
_NAME = "postgres"


def is_settled(directory: Path) -> bool:
    """True if the server of this data directory runs, or nothing of it is left; False while its processes end.

    The lock files of a server that has ended are removed.
    """
    file = directory / LOCK_FILE
    found = _text(file)
    if found is None:
        return True
    with suppress(ValueError, IndexError, psutil.Error):
        if _serves(psutil.Process(int(found.split(maxsplit=1)[0])), directory):
            return True
    if any(_serves(process, directory) for process in psutil.process_iter()):
        return False
    if _text(file) == found:  # else another one has been started meanwhile
        if (lock := _socket_lock(found)) is not None:
            lock.unlink(missing_ok=True)
        file.unlink(missing_ok=True)
    return True


def unfinished(directory: Path) -> Path:
    """The mark beside a data directory that is being made."""
    return directory.with_name(f"{directory.name}.unfinished")


def forget_unfinished(directory: Path) -> None:
    """Remove a data directory whose making was interrupted: it has no data yet, and no server would start in it.

    And the list of the server's users, if the power failed while it was written.
    """
    if unfinished(directory).exists() and directory.exists():
        shutil.rmtree(directory)
    users = directory / USERS_FILE
    try:
        json.loads(users.read_bytes() or b"[]")
    except FileNotFoundError:
        return
    except ValueError:
        users.unlink()


def _socket_lock(found: str) -> Path | None:
    """The lock of the server's socket, which names the same process. Directory and port: PostgreSQL's miscadmin.h."""
    lines = found.splitlines()
    return Path(lines[4]) / f".s.PGSQL.{lines[3]}.lock" if len(lines) > 4 and lines[4] else None


def _serves(process: psutil.Process, directory: Path) -> bool:
    """Whether it lives, and is one of PostgreSQL's for this data directory, in which these work."""
    try:
        if process.name() != _NAME or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return Path(process.cwd()) == directory.resolve()
    except psutil.AccessDenied:  # another user's: it may be
        return True
    except (psutil.Error, OSError):
        return False


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return None
