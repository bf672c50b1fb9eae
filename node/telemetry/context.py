"""Trace context: every request has a W3C trace id, which joins the records of all cities that took part."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import NamedTuple

# W3C Trace Context, 3.2: a later version may append members, version ff is invalid
_TRACEPARENT = re.compile(
    r"(?:00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}|(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?)"
)

TRACE_ID: ContextVar[str | None] = ContextVar("trace_id", default=None)
"""Of the request that is being answered; log lines carry it."""


class Trace(NamedTuple):
    """The trace that a request belongs to, and the header with which it goes on to peers."""

    trace_id: str
    traceparent: str


def parent_of(traceparent: str | None) -> tuple[str, str] | None:
    """Trace id and span id of a valid header."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None:
        return None
    trace_id, span_id = match[1] or match[3], match[2] or match[4]
    if int(trace_id, 16) == 0 or int(span_id, 16) == 0:
        return None
    return trace_id, span_id
