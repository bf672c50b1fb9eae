"""Figures by OTLP: the same counts, as the collector takes them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from itertools import groupby

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as OtlpMetric
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from node.telemetry.counts import METRICS, SECONDS, Counts, Series

log = logging.getLogger("verbund.telemetry")
EVERY_S = 30.0
EXPORT_S = 10

_TOTAL = AggregationTemporality.CUMULATIVE


async def keep_exported(counts: Counts, endpoint: str, resource: Mapping[str, str]) -> None:
    """Send the counts again and again, until cancelled. What fails is tried again next time: counts add up."""
    exporter = OTLPMetricExporter(f"{endpoint.rstrip('/')}/v1/metrics", timeout=EXPORT_S)
    began = time.time_ns()
    try:
        while True:
            await asyncio.sleep(EVERY_S)
            await asyncio.to_thread(exporter.export, metrics_data(counts.read(), resource, began, time.time_ns()))
    finally:
        exporter.shutdown()


def metrics_data(found: Iterable[Series], resource: Mapping[str, str], began: int, now: int) -> MetricsData:
    """Figures in OpenTelemetry's model. Times in nanoseconds since 1970."""
    ordered = sorted(found, key=lambda series: (series.name, series.labels))
    metrics = [_metric(name, list(group), began, now) for name, group in groupby(ordered, lambda one: one.name)]
    scope = ScopeMetrics(InstrumentationScope("verbund"), metrics, "")
    return MetricsData([ResourceMetrics(Resource(dict(resource)), [scope], "")])


def _metric(name: str, group: list[Series], began: int, now: int) -> OtlpMetric:
    metric = METRICS[name]
    if metric.kind == "histogram":
        return OtlpMetric(name, metric.help, "s", Histogram([_histogram(one, began, now) for one in group], _TOTAL))
    points = [
        NumberDataPoint(dict(zip(metric.labels, one.labels, strict=True)), began, now, float(one.value))
        for one in group
    ]
    data = Gauge(points) if metric.kind == "gauge" else Sum(points, _TOTAL, is_monotonic=True)
    return OtlpMetric(name, metric.help, "s" if "seconds" in name else "1", data)


def _histogram(series: Series, began: int, now: int) -> HistogramDataPoint:
    labels = dict(zip(METRICS[series.name].labels, series.labels, strict=True))
    return HistogramDataPoint(
        attributes=labels,
        start_time_unix_nano=began,
        time_unix_nano=now,
        count=sum(series.buckets),
        sum=series.value,
        bucket_counts=list(series.buckets),
        explicit_bounds=list(SECONDS),
        min=None,  # type: ignore[arg-type]  # optional in OTLP; it is not kept
        max=None,  # type: ignore[arg-type]
    )
