"""What telemetry adds to a request: without a collector, and if the request is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from node.audit.figures import counting
from node.audit.record import OWNER, PERMIT, AccessRecord
from node.telemetry.counts import Counts
from node.telemetry.requests import Telemetry
from node.telemetry.tracing import Tracing
from policy.model import ANONYMOUS
from schema.spans import span

SMALL_QUERY_US = 300.0  # processor time of a node for a small query: make bench-read
STEPS = ("auth", "policy", "database", "log")
TIMES = 20_000
RECORD = AccessRecord(
    OWNER, ANONYMOUS, None, "0" * 32, "datasets", "anonymous:dataset:read", b"", (), PERMIT, (), "", "OK", 3, 900, 1.0
)


def main() -> None:
    counts, record = Counts(), counting(Counts())
    ids = _timed("a trace id, as without telemetry", lambda: _request(Telemetry(), ()))
    _timed("counting", lambda: _count(counts, record), beyond=0.0)
    _timed("steps, not recorded", lambda: _request(Telemetry(), STEPS), beyond=ids)
    tracing = Tracing(InMemorySpanExporter(), {}, 1.0)
    _timed("steps, recorded", lambda: _request(Telemetry(tracing), STEPS), beyond=ids)
    tracing.close()


def _request(telemetry: Telemetry, steps: tuple[str, ...]) -> None:
    with telemetry.request("graphql", {"traceparent": ""}):
        for step in steps:
            with span(step):
                pass


def _count(counts: Counts, record: Callable[[list[AccessRecord]], None]) -> None:
    counts.took("verbund_request_seconds", 0.0007)
    counts.add("verbund_requests_total", "200")
    counts.add("verbund_cost_total", amount=12)
    record([RECORD])


def _timed(what: str, work: Callable[[], None], beyond: float | None = None) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(TIMES // 5):
            work()
        best = min(best, (time.process_time() - began) / (TIMES // 5) * 1e6)
    added = "" if beyond is None else f"   adds {(best - beyond) / SMALL_QUERY_US:6.1%} of a small query"
    print(f"  {what:<34} {best:7.2f} µs{added}")
    return best


if __name__ == "__main__":
    main()
