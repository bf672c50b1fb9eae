"""What is counted, and how the counts of several workers become those of the node. Pure.

A count is an addition in a dictionary, a duration a bisection: nothing that a request would feel.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: its kind, its meaning, the names of its labels. `adds_up`: of a gauge, each worker has a part."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    adds_up: bool = False


METRICS: Mapping[str, Metric] = {
    "verbund_live_batches_total": Metric("counter", "Batches that subscriptions were given"),
    "verbund_subscriptions": Metric("gauge", "Subscriptions that run", adds_up=True),
    "verbund_requests_total": Metric("counter", "GraphQL requests that were answered", ("status",)),
    "verbund_request_seconds": Metric("histogram", "Time from a GraphQL request's head to its answer"),
    "verbund_cost_total": Metric("counter", "Cost of the operations that were executed, as docs/limits.md reckons it"),
    "verbund_records_total": Metric("counter", "Access records that were committed", ("role", "decision")),
    "verbund_rows_total": Metric("counter", "Rows that left, by the role of this city", ("role",)),
    "verbund_peer_answers_total": Metric(
        "counter", "Questions to other cities, by what became of them", ("peer", "state")
    ),
    "verbund_peer_seconds": Metric("gauge", "What the answers of a city take lately", ("peer", "quantile")),
    "verbund_peer_breaker_open": Metric("gauge", "1 while a city is not asked because it failed too often", ("peer",)),
    "verbund_log_waiting": Metric("gauge", "Answers that wait for their access records to be committed"),
    "verbund_log_size": Metric("gauge", "Records below the newest signed head of this node's log"),
    "verbund_log_lag_seconds": Metric("gauge", "Age of the oldest record that has no place in the log yet"),
    "verbund_log_unwitnessed_seconds": Metric("gauge", "Time since a quorum of witnesses last cosigned the log's head"),
    "verbund_log_caught": Metric("gauge", "1 for each log of another city that contradicts itself", ("peer", "state")),
    "verbund_quarantine": Metric("gauge", "Findings of imports that are not cleared up"),
    "verbund_ingest_lag_seconds": Metric("gauge", "Age of the newest observation"),
    "verbund_members": Metric("gauge", "Members of the federation, by status", ("status",)),
    "verbund_membership_ends_seconds": Metric("gauge", "Time until the membership can't be relied on any more"),
    "verbund_member_silent_seconds": Metric("gauge", "Time since a member's node was last heard", ("peer",)),
    "verbund_anchor_silent_seconds": Metric("gauge", "Time since an anchor was last heard", ("anchor",)),
    "verbund_accepted_observations_total": Metric("counter", "Observations that were taken in", ("road",)),
    "verbund_refused_observations_total": Metric("counter", "Observations that went to the quarantine", ("road",)),
    "verbund_database_sessions": Metric("gauge", "Sessions of the data path that are in use or waited for"),
}


class Series(msgspec.Struct, frozen=True):
    """The value of one figure with one set of labels; a histogram has the counts of its buckets as well."""

    name: str
    labels: tuple[str, ...]
    value: float
    buckets: tuple[int, ...] = ()


Gauges = Callable[[], Iterable[tuple[str, tuple[str, ...], float]]]


class Counts:
    """The counts of one process since its start."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, ...], float] = {}
        self._histograms: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        self._gauges: list[Gauges] = []

    def add(self, name: str, *labels: str, amount: float = 1) -> None:
        """Count."""
        key = (name, *labels)
        self._counters[key] = self._counters.get(key, 0) + amount

    def took(self, name: str, seconds: float) -> None:
        """Put a duration into its bucket."""
        counts = self._histograms.get(name)
        if counts is None:
            counts = self._histograms[name] = [0] * (len(SECONDS) + 1)
            self._sums[name] = 0.0
        counts[bisect_left(SECONDS, seconds)] += 1
        self._sums[name] += seconds

    def watch(self, gauges: Gauges) -> None:
        """Ask for these figures whenever the counts are read."""
        self._gauges.append(gauges)

    def read(self) -> list[Series]:
        """All figures now."""
        found = [Series(name, tuple(labels), value) for (name, *labels), value in self._counters.items()]
        found += [Series(name, (), self._sums[name], tuple(counts)) for name, counts in self._histograms.items()]
        found += [Series(*gauge) for gauges in self._gauges for gauge in gauges()]
        return found


def together(workers: Iterable[Iterable[Series]]) -> list[Series]:
    """The node's figures: what was counted is added up; of gauges that are views of one thing, the largest."""
    found: dict[tuple[str, tuple[str, ...]], Series] = {}
    for series in (one for worker in workers for one in worker if one.name in METRICS):
        key = series.name, series.labels
        known = found.get(key)
        found[key] = series if known is None else _joined(known, series)
    return [found[key] for key in sorted(found)]


def _joined(one: Series, other: Series) -> Series:
    metric = METRICS[one.name]
    if metric.kind == "gauge" and not metric.adds_up:
        return one if one.value >= other.value else other
    buckets = tuple(map(sum, zip(one.buckets, other.buckets, strict=True)))
    return Series(one.name, one.labels, one.value + other.value, buckets)
