"""The figures of simulated owners as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import orjson

from tests.bench.federation.simulated_answers import ROWS

HEADER = (
    f"  {'owners':>6} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8} {'MB':>5} {'requests':>9} {'kB asked':>9}"
    f" {'kB answers':>11} {'cursor':>7}"
)


@dataclass(frozen=True, slots=True)
class Point:
    """Figures of the home node with so many owners, one query after the other; per query where that makes sense."""

    owners: int
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    rss_mb: float
    requests: float
    asked_bytes: float
    answer_bytes: float
    cursor_bytes: int


def as_text(points: Sequence[Point]) -> str:
    """A line for each point."""
    lines = [
        f"A page of {ROWS} from simulated owners, one query after the other:",
        HEADER,
    ]
    lines += [
        f"  {one.owners:>6} {one.p50_ms:>8.2f} {one.p99_ms:>8.2f} {one.cpu_ms:>8.2f} {one.rss_mb:>5.0f}"
        f" {one.requests:>9.2f} {one.asked_bytes / 1000:>9.1f} {one.answer_bytes / 1000:>11.1f} {one.cursor_bytes:>5} B"
        for one in points
    ]
    return "\n".join(lines)


def as_json(points: Sequence[Point]) -> bytes:
    """By the number of owners."""
    told = {str(one.owners): {name: round(value, 3) for name, value in asdict(one).items()} for one in points}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)
