"""Which tests run which lines of `policy`, and how long each takes."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.mutation.in_child import TESTS, run_tests, start

TRACED_S = 3_600  # tracing takes its time
_IMPORT = ""  # what runs outside of any test: when modules are imported


@dataclass(frozen=True)
class Covered:
    """Lines by module and test; seconds by test."""

    lines: dict[str, dict[str, set[int]]]
    seconds: dict[str, float]

    def tests_of(self, module: str, span: range) -> list[str]:
        """The ids of the tests that may notice a change within these lines, the quickest first.

        All may notice a change of what runs at import, and those that run the lines themselves come first.
        """
        of_module = self.lines.get(module, {})
        direct = {test for test, lines in of_module.items() if not lines.isdisjoint(span)}
        chosen = set(self.seconds) if _IMPORT in direct or not direct else direct
        return sorted(chosen, key=lambda test: (test not in direct, self.seconds[test]))


def who_runs_what(root: Path) -> Covered:
    """Run all tests of `policy` once.

    Raises:
        RuntimeError: one fails.
    """
    with tempfile.TemporaryDirectory() as directory:
        told = Path(directory) / "lines.json"
        _, status = os.waitpid(start(lambda: _run(root, told), TRACED_S), 0)
        if status:
            raise RuntimeError("the tests of policy do not pass as they are")
        found = json.loads(told.read_text(encoding="utf-8"))
    lines = {module: {test: set(of) for test, of in tests.items()} for module, tests in found["lines"].items()}
    return Covered(lines, found["seconds"])


def _run(root: Path, told: Path) -> int:
    tracer = _Tracer(root / "policy")
    sys.settrace(tracer.on_call)
    code = run_tests(tracer, [str(TESTS)])
    sys.settrace(None)
    told.write_text(json.dumps({"lines": tracer.told(), "seconds": tracer.seconds}), encoding="utf-8")
    return code


class _Tracer:
    def __init__(self, folder: Path) -> None:
        self._prefix = f"{folder}{os.sep}"
        self._lines: set[tuple[str, int]] = set()
        self._by_test: dict[str, set[tuple[str, int]]] = {_IMPORT: self._lines}
        self.seconds: dict[str, float] = {}

    def on_call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._on_line if frame.f_code.co_filename.startswith(self._prefix) else None

    def _on_line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self._lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._on_line

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self._lines = self._by_test.setdefault(item.nodeid, set())
        began = time.perf_counter()
        try:
            sys.settrace(self.on_call)
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.perf_counter() - began
            self._lines = self._by_test[_IMPORT]

    def told(self) -> dict[str, dict[str, list[int]]]:
        found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for test, lines in self._by_test.items():
            for file, line in lines:
                found[Path(file).stem][test].append(line)
        return found
