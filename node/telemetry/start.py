"""The telemetry of a worker, as its settings want it: what runs beside the requests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from node.telemetry.counts import Counts
from node.telemetry.requests import Telemetry
from node.telemetry.scrape import counts_directory, keep_written


class Reporting:
    """Where traces and counts go. `request_telemetry` begins the traces of requests."""

    def __init__(self, counts: Counts, city: str, version: str, endpoint: str | None, share: float) -> None:
        self._counts = counts
        self._endpoint = endpoint
        self._resource = {
            "service.name": "verbund",
            "service.namespace": city,
            "service.version": version,
            "service.instance.id": f"{os.uname().nodename}:{os.getpid()}",
        }
        self._tracing = None
        if endpoint is not None and share > 0:
            from node.telemetry.tracing import tracing_to

            self._tracing = tracing_to(endpoint, self._resource, share)
        self.request_telemetry = Telemetry(self._tracing)

    @asynccontextmanager
    async def traced(self) -> AsyncIterator[None]:
        """Traces that are left go at the end."""
        yield
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.close)

    def beside(self, home: Path, scraped_by: int | None) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """Counts go to the collector, and to the supervisor (its process id) if it serves them."""
        tasks: list[Callable[[], Coroutine[Any, Any, None]]] = []
        if scraped_by is not None:
            tasks.append(partial(keep_written, self._counts, counts_directory(home, scraped_by), os.getpid()))
        if self._endpoint is not None:
            from node.telemetry.otlp import keep_exported

            tasks.append(partial(keep_exported, self._counts, self._endpoint, self._resource))
        return tasks
