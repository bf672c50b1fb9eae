"""One demo at a time: its anchor and its cities have fixed ports, and tests run side by side."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def demo_ports() -> Iterator[None]:
    """Wait until no other test has a demo, and keep others waiting meanwhile."""
    with (Path(tempfile.gettempdir()) / "verbund-demo-ports.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
