"""pytest in a process of its own that starts with everything foreign imported, and nothing of ours."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

# imported once, for all children
import cedarpy  # noqa: F401
import hypothesis.strategies  # noqa: F401
import msgspec  # noqa: F401
import orjson  # noqa: F401
import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "unit" / "policy"
PATIENCE_S = 300
MEMORY = 4 * 2**30
OPTIONS = ("-q", "-p", "no:xdist", "--noconftest", "-W", "ignore:Module already imported")


def start(work: Callable[[], int], patience_s: int = PATIENCE_S) -> int:
    """The id of a child that exits with what the work returns, and is killed if that takes too long."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.alarm(patience_s)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        sys.dont_write_bytecode = True
        code = work()
    finally:
        os._exit(code)


def run_tests(plugin: object, files: list[str], *options: str) -> int:
    """pytest's exit code."""
    return int(pytest.main([*OPTIONS, *options, *files], plugins=[plugin]))
