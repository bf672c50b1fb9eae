"""Spans by OpenTelemetry, for the share of requests that is recorded.

Whether a request is recorded follows from its trace id alone, so all cities record the same requests, as far as their
shares go, and no caller can make a node record more by a flag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    format_span_id,
    get_current_span,
    set_span_in_context,
)

from schema.spans import RECORDER, Attribute

EXPORT_S = 10
_SHARE_OF = 1 << 56  # W3C Trace Context 2: the last seven bytes of a trace id are random


class _Ids(RandomIdGenerator):
    """Root spans take on the trace id that the request has already."""

    trace_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id


class Tracing:
    """Records requests, as `schema.spans` asks for it, and exports the spans in batches of a thread's own."""

    def __init__(self, exporter: SpanExporter, resource: Mapping[str, str], share: float) -> None:
        self._ids = _Ids()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=Resource(dict(resource)), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=4_096))
        self._tracer = self._provider.get_tracer("verbund")
        self._bound = int(share * _SHARE_OF)

    def records(self, trace_id: str) -> bool:
        """Whether requests with this trace id are recorded."""
        return int(trace_id[18:], 16) < self._bound

    @contextmanager
    def request(self, name: str, trace_id: str, parent: str | None) -> Iterator[str]:
        """Record a request; yields the header with which it goes on."""
        self._ids.trace_id = int(trace_id, 16)  # taken at once: nothing is awaited in between
        context = None
        if parent is not None:
            remote = SpanContext(int(trace_id, 16), int(parent, 16), is_remote=True, trace_flags=TraceFlags(1))
            context = set_span_in_context(NonRecordingSpan(remote))
        with self._tracer.start_as_current_span(
            name, context, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ):
            token = RECORDER.set(self)
            try:
                yield self.traceparent()
            finally:
                RECORDER.reset(token)

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Attribute]) -> Iterator[None]:
        """See `schema.spans.Recorder`. Of an exception its type is told: its text may hold what nobody should read."""
        kind = SpanKind.CLIENT if name == "peer" else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name, None, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(StatusCode.ERROR)
                raise

    def traceparent(self) -> str:
        """See `schema.spans.Recorder`."""
        here = get_current_span().get_span_context()
        return f"00-{here.trace_id:032x}-{format_span_id(here.span_id)}-01"

    def close(self) -> None:
        """Export what is left. Blocks until it is out, or given up."""
        self._provider.shutdown()


def tracing_to(endpoint: str, resource: Mapping[str, str], share: float) -> Tracing:
    """Tracing with a collector for OTLP over HTTP at `endpoint`."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_S)
    return Tracing(exporter, resource, share)
