"""Try mutants: each in a child that imports the changed module in place of the real one."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from tests.mutation.in_child import run_tests, start
from tests.mutation.mutate import Mutant


@dataclass(frozen=True)
class Trial:
    """A mutant and the tests that it has to pass, in this order."""

    module: str
    mutant: Mutant
    file: Path
    tests: Sequence[str]


def tried(trials: Sequence[Trial], jobs: int) -> Iterator[tuple[Trial, bool]]:
    """Each trial as it ends, and whether a test failed, or never ended."""
    running: dict[int, Trial] = {}
    waiting = list(reversed(trials))
    while waiting or running:
        while waiting and len(running) < jobs:
            trial = waiting.pop()
            running[start(lambda one=trial: _run(one))] = trial
        pid, status = os.wait()
        yield running.pop(pid), status != 0


def _run(trial: Trial) -> int:
    sys.meta_path.insert(0, _Changed(f"policy.{trial.module}", trial.file, trial.mutant.text))
    files = sorted({test.partition("::")[0] for test in trial.tests})
    return run_tests(_Chosen(trial.tests), files, "-x")


class _Changed(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, file: Path, text: str) -> None:
        self._name = name
        self._loader = _Loader(name, str(file), text)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._loader.path, loader=self._loader)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.path, "exec", dont_inherit=True)


class _Chosen:
    """Runs these tests, in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._place = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._place), key=lambda item: self._place[item.nodeid]
        )
