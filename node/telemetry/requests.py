"""One request as the telemetry sees it: a trace id always, spans if it is among the share that is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import format_span_id, format_trace_id

from node.telemetry.context import TRACE_ID, Trace, parent_of

if TYPE_CHECKING:
    from node.telemetry.tracing import Tracing


class Telemetry:
    """Begins the traces of one node. Without `tracing` nothing is recorded."""

    def __init__(self, tracing: Tracing | None = None) -> None:
        self._ids = RandomIdGenerator()
        self._tracing = tracing

    @contextmanager
    def request(self, name: str, headers: Mapping[str, str]) -> Iterator[Trace]:
        """One request: it continues the caller's trace if its header is valid."""
        parent = parent_of(headers.get("traceparent"))
        trace_id = parent[0] if parent else format_trace_id(self._ids.generate_trace_id())
        token = TRACE_ID.set(trace_id)
        try:
            if self._tracing is not None and self._tracing.records(trace_id):
                with self._tracing.request(name, trace_id, parent[1] if parent else None) as traceparent:
                    yield Trace(trace_id, traceparent)
            else:
                yield Trace(trace_id, f"00-{trace_id}-{format_span_id(self._ids.generate_span_id())}-00")
        finally:
            TRACE_ID.reset(token)
