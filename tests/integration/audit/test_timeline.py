"""Accesses over time are those of the log, slot by slot: hours from the records, days and months from the counts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from node.audit.grammar import read_filter
from node.audit.timeline import Step, timeline
from node.audit.totals import NotCounted
from tests.integration.audit.conftest import sequence
from tests.log import append

NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


@pytest.fixture
def times(connection, database_url):
    """Records of the last forty days, some of them denied; what is told is their times with that."""
    luck = random.Random(8)
    told = []
    for _ in range(120):
        at, decision = NOW - timedelta(minutes=luck.randrange(40 * 24 * 60)), luck.choice(("PERMIT", "DENY"))
        append(connection, at=at, decision=decision)
        told.append((at, decision == "DENY"))
    sequence(database_url)
    return told


@pytest.mark.parametrize(
    ("text", "step", "start", "count"),
    [
        ("", Step.DAY, datetime(2026, 10, 27, tzinfo=UTC), 31),
        ("after:2026-11-25", Step.HOUR, datetime(2026, 11, 25, tzinfo=UTC), 37),
        ("after:2026-11-25T06:00 before:2026-11-26", Step.HOUR, datetime(2026, 11, 25, 6, tzinfo=UTC), 18),
        ("after:2026-11-01 before:2026-11-10", Step.DAY, datetime(2026, 11, 1, tzinfo=UTC), 9),
        ("after:2026-01-15", Step.MONTH, datetime(2026, 1, 1, tzinfo=UTC), 11),
        ("decision:deny after:2026-11-25", Step.HOUR, datetime(2026, 11, 25, tzinfo=UTC), 37),
    ],
)
def test_each_slot_counts_what_is_in_it(connection, times, text, step, start, count):
    found = timeline(connection, read_filter(text), NOW)
    assert (found.step, found.slots[0].start, len(found.slots)) == (step, start, count)
    for slot, after in zip(found.slots, found.slots[1:], strict=False):
        assert slot.end == after.start
    for slot in found.slots:
        within = [denied for at, denied in times if slot.start <= at < slot.end]
        asked = [denied for denied in within if denied] if text.startswith("decision") else within
        assert (slot.requests, slot.denied) == (len(asked), sum(asked)), slot
    assert sum(slot.requests for slot in found.slots) > 0


def test_what_is_not_counted_is_told(connection, times):
    with pytest.raises(NotCounted):
        timeline(connection, read_filter("subject:x"), NOW)
    few = timeline(connection, read_filter("trace:nowhere after:2026-11-25"), NOW)
    assert sum(slot.requests for slot in few.slots) == 0
