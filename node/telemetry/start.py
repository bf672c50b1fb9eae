"""The telemetry of a worker, as its settings want it: what runs beside the requests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

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
    async def running(self, home: Path, *, scraped: bool) -> AsyncIterator[None]:
        """Counts go to the collector, and to the supervisor if it serves them; traces that are left go at the end."""
        async with AsyncExitStack() as stack:
            if self._tracing is not None:
                stack.push_async_callback(asyncio.to_thread, self._tracing.close)
            if scraped:
                directory = counts_directory(home, os.getppid())
                stack.callback(asyncio.create_task(keep_written(self._counts, directory, os.getpid())).cancel)
            if self._endpoint is not None:
                from node.telemetry.otlp import keep_exported

                exporting = keep_exported(self._counts, self._endpoint, self._resource)
                stack.callback(asyncio.create_task(exporting).cancel)
            yield
