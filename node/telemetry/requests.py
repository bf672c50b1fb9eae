"""One request as the telemetry sees it: a trace id always, spans if it is among the share that is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
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

    def request(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[Trace]:
        """One request: it continues the caller's trace if its header is valid."""
        parent = parent_of(headers.get("traceparent"))
        trace_id = parent[0] if parent else format_trace_id(self._ids.generate_trace_id())
        if self._tracing is not None and self._tracing.records(trace_id):
            return _recorded(self._tracing, name, trace_id, parent[1] if parent else None)
        return _Unrecorded(trace_id, format_span_id(self._ids.generate_span_id()))


class _Unrecorded:
    """A request that has ids and nothing else; a generator would take three times as long."""

    __slots__ = ("_token", "_trace")

    def __init__(self, trace_id: str, span_id: str) -> None:
        self._trace = Trace(trace_id, f"00-{trace_id}-{span_id}-00")

    def __enter__(self) -> Trace:
        self._token = TRACE_ID.set(self._trace.trace_id)
        return self._trace

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        TRACE_ID.reset(self._token)


@contextmanager
def _recorded(tracing: Tracing, name: str, trace_id: str, parent: str | None) -> Iterator[Trace]:
    token = TRACE_ID.set(trace_id)
    try:
        with tracing.request(name, trace_id, parent) as traceparent:
            yield Trace(trace_id, traceparent)
    finally:
        TRACE_ID.reset(token)
