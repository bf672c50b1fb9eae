"""The figures as text. Pure; the JSON is that of reading."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.read.figures import Figures
from tests.bench.read.targets import Table

HEADER = (
    f"  {'at once':>7}  {'system':<10} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8}"
    f" {'CPU ms':>7} {'owners':>7} {'SQL':>7} {'all':>7} {'MB':>5} {'Verbund is':>10} {'by CPU':>7}"
)


def as_text(table: Table, titles: Mapping[str, str]) -> str:
    """A block for each query.

    `CPU ms` is the processor time for a request of the process that is asked (the home node, which is an owner too, or
    the gateway), `owners` that of the other nodes or the plain services, `SQL` that of PostgreSQL, `all` the sum.
    `Verbund is` tells its throughput as a multiple of the system's; `by CPU` what that would be if the processors were
    always busy and nothing else ran: the ratio of the sums.
    """
    lines = []
    for query, by_concurrency in table.items():
        lines += ["", f"{query}: {titles[query]}", HEADER]
        for connections, systems in by_concurrency.items():
            own = systems.get("verbund")
            lines += [_line(connections, name, figures, own) for name, figures in systems.items()]
    return "\n".join(lines)


def _line(connections: int, name: str, figures: Figures, own: Figures | None) -> str:
    ratios = ""
    if own is not None and name != "verbund":
        ratios = f" {own.rps / figures.rps:>8.2f} × {_all(figures) / _all(own) if _all(own) else 0:>5.2f} ×"
    return (
        f"  {connections:>7}  {name:<10} {figures.rps:>10,.1f} {figures.p50_ms:>8.2f} {figures.p99_ms:>8.2f}"
        f" {figures.server_ms:>7.2f} {figures.owners_ms:>7.2f} {figures.postgres_ms:>7.2f} {_all(figures):>7.2f}"
        f" {figures.rss_mb:>5.0f}{ratios}"
    )


def _all(figures: Figures) -> float:
    return figures.server_ms + figures.owners_ms + figures.postgres_ms
