"""Each worker has one place, whatever signals come while one waits to be replaced."""

from __future__ import annotations

import pytest
from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from node import supervisor
from node.supervisor import Supervisor


class FakeProcess:
    """Lives until it is ended."""

    started: list[FakeProcess]

    def __init__(self, *_: object) -> None:
        self.exitcode: int | None = None
        self.pid = len(self.started)

    def start(self) -> None:
        self.started.append(self)

    def is_alive(self, timeout: float = 0) -> bool:
        return self.exitcode is None

    def wait_until_ready(self, *_: object) -> bool:
        return self.exitcode is None

    def terminate(self) -> None:
        self.exitcode = 0 if self.exitcode is None else self.exitcode

    kill = terminate

    def join(self) -> None:
        """It has ended."""


@pytest.fixture
def supervising(monkeypatch):
    FakeProcess.started = []
    monkeypatch.setattr(supervisor, "Process", FakeProcess)
    monkeypatch.setattr(multiprocess, "Process", FakeProcess)
    monkeypatch.setattr(multiprocess, "SIGNALS", {})
    found = Supervisor(Config("x:y", workers=2), [], lambda: True)
    found.init_processes()
    return found


def alive() -> list[FakeProcess]:
    return [process for process in FakeProcess.started if process.is_alive()]


def waits_for_its_next(supervising, index):
    """It has failed twice, so that its next one is not started at once."""
    for _ in range(2):
        supervising.processes[index].exitcode = STARTUP_FAILURE
        supervising.keep_subprocess_alive()
        supervising.keep_subprocess_alive()


def test_a_worker_that_was_due_is_not_started_twice(supervising, monkeypatch):
    waits_for_its_next(supervising, 0)
    supervising.handle_hup()
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: 1e9)
    supervising.keep_subprocess_alive()
    assert alive() == supervising.processes


def test_a_place_that_is_given_up_and_taken_again_begins_anew(supervising, monkeypatch):
    waits_for_its_next(supervising, 1)
    supervising.handle_ttou()
    supervising.handle_ttin()
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: 1e9)
    supervising.keep_subprocess_alive()
    assert alive() == supervising.processes
