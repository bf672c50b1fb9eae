"""Trace ids: a valid header's trace goes on, anything else begins a new one."""

from __future__ import annotations

import re

import pytest

from node.telemetry.requests import Telemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def trace_of(traceparent: str | None):
    with Telemetry().request("graphql", {} if traceparent is None else {"traceparent": traceparent}) as trace:
        return trace


@pytest.mark.parametrize("header", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"01-{TRACE}-{SPAN}-01-more"])
def test_the_callers_trace_goes_on_with_a_new_span(header):
    trace = trace_of(header)
    assert trace.trace_id == TRACE
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-00", trace.traceparent)
    assert SPAN not in trace.traceparent


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "x",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
    ],
)
def test_anything_else_begins_a_new_trace(header):
    one, other = trace_of(header), trace_of(header)
    assert re.fullmatch("[0-9a-f]{32}", one.trace_id)
    assert one.trace_id not in {TRACE, other.trace_id, "0" * 32}
