"""The figures as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.read.figures import Figures
from tests.bench.read.targets import Table

HEADER = f"  {'at once':>7}  {'system':<13} {'requests/s':>11} {'p50 ms':>9} {'p99 ms':>9} {'CPU ms':>8} {'and SQL':>8} {'MB':>6} {'Verbund is':>11}"


def as_text(table: Table, titles: Mapping[str, str]) -> str:
    """A block for each query; `Verbund is` tells its throughput as a multiple of the system's.

    `CPU ms` is the processor time of the system's own processes for a request, `and SQL` that of PostgreSQL.
    """
    lines = []
    for query, by_concurrency in table.items():
        lines += ["", f"{query}: {titles[query]}", HEADER]
        for connections, systems in by_concurrency.items():
            own = systems.get("verbund")
            lines += [_line(connections, name, figures, own) for name, figures in systems.items()]
    return "\n".join(lines)


def as_json(table: Table) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """`{query: {concurrency: {system: {rps, p50_ms, p99_ms, rss_mb}}}}`."""
    return {
        query: {
            str(connections): {name: figures.as_json() for name, figures in systems.items()}
            for connections, systems in by_concurrency.items()
        }
        for query, by_concurrency in table.items()
    }


def from_json(told: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]) -> Table:
    """The reverse of `as_json`."""
    return {
        query: {
            int(connections): {name: Figures(**figures) for name, figures in systems.items()}
            for connections, systems in by_concurrency.items()
        }
        for query, by_concurrency in told.items()
    }


def _line(connections: int, name: str, figures: Figures, own: Figures | None) -> str:
    ratio = "" if own is None or name == "verbund" else f"{own.rps / figures.rps:.2f} ×"
    return (
        f"  {connections:>7}  {name:<13} {figures.rps:>11,.1f} {figures.p50_ms:>9.2f} {figures.p99_ms:>9.2f}"
        f" {figures.server_ms:>8.3f} {figures.postgres_ms:>8.3f} {figures.rss_mb:>6.0f} {ratio:>11}"
    )
