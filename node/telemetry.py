"""Trace context: every request has a W3C trace id, which joins the records of all cities that took part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace that a request belongs to, and the header with which it goes on to peers."""

    trace_id: str
    traceparent: str


class Telemetry:
    """Spans of one node."""

    def __init__(self, city: str, version: str) -> None:
        resource = Resource.create({"service.name": "verbund", "service.version": version, "verbund.city": city})
        self._tracer = TracerProvider(resource=resource).get_tracer("verbund")

    @contextmanager
    def request(self, name: str, headers: Mapping[str, str]) -> Iterator[Trace]:
        """A span for one request, continuing the caller's trace if its header is valid."""
        parent = _PROPAGATOR.extract(headers)
        with self._tracer.start_as_current_span(name, context=parent, kind=trace.SpanKind.SERVER) as span:
            carrier: dict[str, str] = {}
            _PROPAGATOR.inject(carrier)
            yield Trace(trace.format_trace_id(span.get_span_context().trace_id), carrier["traceparent"])
