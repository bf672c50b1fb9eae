"""Spans: of a share of the requests, a tree of steps, no text of errors; for the others nothing at all."""

from __future__ import annotations

import asyncio
import re

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from node.telemetry.requests import Telemetry
from node.telemetry.tracing import Tracing
from schema.spans import RECORDER, span, traceparent

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter):
    made = Tracing(exporter, {"service.name": "verbund"}, 1.0)
    yield made
    made.close()


def finished(tracing, exporter):
    tracing._provider.force_flush()
    return {found.name: found for found in exporter.get_finished_spans()}


async def test_steps_are_below_their_request_also_in_tasks(tracing, exporter):
    with Telemetry(tracing).request("graphql", {"traceparent": PARENT}) as trace:
        with span("policy"):
            pass

        async def ask() -> str:
            with span("peer", city="fulda"):
                return traceparent("none")

        sent = await asyncio.create_task(ask())
    found = finished(tracing, exporter)
    root = found["graphql"]
    assert f"{root.context.trace_id:032x}" == trace.trace_id == PARENT.split("-")[1]
    assert f"{root.parent.span_id:016x}" == PARENT.split("-")[2]
    assert trace.traceparent == f"00-{trace.trace_id}-{root.context.span_id:016x}-01"
    assert {found[name].parent.span_id for name in ("policy", "peer")} == {root.context.span_id}
    assert sent == f"00-{trace.trace_id}-{found['peer'].context.span_id:016x}-01"
    assert (found["peer"].kind, dict(found["peer"].attributes)) == (SpanKind.CLIENT, {"city": "fulda"})


async def test_a_request_without_a_caller_keeps_the_id_that_its_records_have(tracing, exporter):
    with Telemetry(tracing).request("graphql", {}) as trace:
        pass
    root = finished(tracing, exporter)["graphql"]
    assert f"{root.context.trace_id:032x}" == trace.trace_id
    assert root.parent is None


def test_what_failed_says_so_without_its_text(tracing, exporter):
    def fail() -> None:
        with Telemetry(tracing).request("graphql", {}), span("database"):
            raise ValueError("erika@example.org")

    with pytest.raises(ValueError, match="erika"):
        fail()
    found = finished(tracing, exporter)["database"]
    assert found.status.status_code is StatusCode.ERROR
    assert dict(found.attributes) == {"error.type": "ValueError"}
    assert not found.events
    assert found.status.description is None


def test_the_share_is_told_by_the_trace_id_alone(exporter):
    half = Tracing(exporter, {}, 0.5)
    try:
        assert half.records("f" * 18 + "7fffffffffffff")
        assert not half.records("0" * 18 + "80000000000000")
        with Telemetry(half).request("graphql", {"traceparent": f"00-{'f' * 32}-b7ad6b7169203331-01"}) as trace:
            assert RECORDER.get() is None, "no flag of a caller makes a node record more"
            with span("policy"):
                assert traceparent(trace.traceparent) == trace.traceparent
        assert re.fullmatch(rf"00-{'f' * 32}-[0-9a-f]{{16}}-00", trace.traceparent)
        assert not finished(half, exporter)
    finally:
        half.close()
