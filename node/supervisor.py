"""Workers that end are replaced: at once, then ever more slowly; or not at all if somebody has to correct something.

Nothing is checked before the first worker starts, for that would take as long again as its start. When one could not
come up and no other serves, it is found out why.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from os import EX_CONFIG
from socket import socket

from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from node.backoff import Backoff

log = logging.getLogger("verbund.supervisor")
_REASONS = {
    EX_CONFIG: "it can't use its settings, keys or rules",
    STARTUP_FAILURE: "it did not come up, as without the database",
}


@dataclass(slots=True)
class _Place:
    """One of the workers: since when it runs, or when another one takes its place."""

    began: float = field(default_factory=time.monotonic)
    due: float | None = None
    backoff: Backoff = field(default_factory=Backoff)


class Supervisor(Multiprocess):
    """Uvicorn's, which replaces workers without a pause and gives up where the database is away for a moment."""

    gave_up = False
    """Whether it ended because no worker can use the settings."""

    def __init__(self, config: Config, sockets: list[socket], is_of_use: Callable[[], bool]) -> None:
        """`is_of_use`: whether to try again when no worker could come up; it says why not, or what is waited for."""
        super().__init__(config, sockets)
        self._is_of_use = is_of_use
        self._places: defaultdict[int, _Place] = defaultdict(_Place)

    def init_processes(self) -> None:
        """Start the workers, and remember when."""
        super().init_processes()
        for index in range(len(self.processes)):
            self._places[index] = _Place()

    def restart_all(self) -> None:
        """Replace each worker (SIGHUP). One that was due to be replaced has been, then: two would share a place."""
        before = list(self.processes)
        super().restart_all()
        for index, (old, new) in enumerate(zip(before, self.processes, strict=True)):
            if new is not old:
                self._places[index].began, self._places[index].due = time.monotonic(), None

    def handle_ttou(self) -> None:
        """One worker less (SIGTTOU)."""
        super().handle_ttou()
        self._places.pop(len(self.processes), None)

    def keep_subprocess_alive(self) -> None:
        """Look at each worker once."""
        for index, process in enumerate(self.processes):
            place = self._places[index]
            if self.should_exit.is_set():
                return
            if place.due is not None:
                if time.monotonic() >= place.due:
                    self._replace(index, place)
            elif not process.is_alive(self.config.timeout_worker_healthcheck):
                process.kill()  # it may hang
                process.join()
                self._ended(process, place)

    def _ended(self, process: Process, place: _Place) -> None:
        code = process.exitcode
        is_alone = not any(other.is_alive() for other in self.processes if other is not process)
        if is_alone and (code == EX_CONFIG or (code == STARTUP_FAILURE and not self._is_of_use())):
            log.error("the node can't be served before what is told above is corrected")
            self.gave_up = True
            self.should_exit.set()
            return
        now = time.monotonic()
        wait = place.backoff.failed(now - place.began)
        place.due = now + wait
        reason = _REASONS.get(code or 0, f"exit code {code}")
        log.warning("worker %s ended (%s); the next one starts in %.0f s", process.pid, reason, wait)

    def _replace(self, index: int, place: _Place) -> None:
        process = Process(self.config, self.sockets)
        process.start()
        self.processes[index] = process
        place.began, place.due = time.monotonic(), None
