"""One run at a time: two would share databases and processors, and both would tell nonsense."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Another run is under way."""


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`; it is gone with the process, however that ends.

    Raises:
        Busy: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "read.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another run is under way in {folder}: wait until it has ended") from None
        yield
