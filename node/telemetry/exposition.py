"""Figures as Prometheus reads them (text format 0.0.4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby

from node.telemetry.counts import METRICS, SECONDS, Series

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(found: Iterable[Series]) -> str:
    """The page of `/metrics`."""
    ordered = sorted(found, key=lambda series: (series.name, series.labels))
    return "".join(
        f"{line}\n" for name, group in groupby(ordered, lambda series: series.name) for line in _family(name, group)
    )


def _family(name: str, group: Iterable[Series]) -> Iterator[str]:
    metric = METRICS[name]
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.kind}"
    for series in group:
        pairs = list(zip(metric.labels, series.labels, strict=True))
        if metric.kind != "histogram":
            yield (
                f"{name}{_labels(pairs)} {series.value:g}"
                if series.value < 1e6
                else f"{name}{_labels(pairs)} {series.value:.0f}"
            )
            continue
        edges = [*(f"{edge:g}" for edge in SECONDS), "+Inf"]
        for edge, count in zip(edges, accumulate(series.buckets), strict=True):
            yield f"{name}_bucket{_labels([*pairs, ('le', edge)])} {count}"
        yield f"{name}_sum{_labels(pairs)} {series.value:.6f}"
        yield f"{name}_count{_labels(pairs)} {sum(series.buckets)}"


def _labels(pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
