"""Accesses over time: how many, and how many of them were denied, slot by slot, also where there were none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.sql import SQL

from node.audit.grammar import Filter
from node.audit.record import DENY
from node.audit.search import conditions
from node.audit.totals import totals

HOURS_UP_TO = timedelta(days=2)
DAYS_UP_TO = timedelta(days=93)
USUAL = timedelta(days=30)
LONGEST = timedelta(days=3_660)


class Step(StrEnum):
    """How long a slot is. Slots are those of UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Slot:
    """Accesses from `start` until before `end`, and how many of them were denied."""

    start: datetime
    end: datetime
    requests: int
    denied: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The slots of a period, oldest first."""

    step: Step
    slots: list[Slot]


def timeline(connection: psycopg.Connection[Any], wanted: Filter, now: datetime) -> Timeline:
    """What matches the filter, over its own period or the last 30 days: by the hour, the day or the month.

    Raises:
        NotCounted: by persons, tokens or traces, over more than two days.
    """
    end = min(wanted.before or now, now)
    start = max(wanted.after or end - USUAL, end - LONGEST)
    step = Step.HOUR if end - start <= HOURS_UP_TO else Step.DAY if end - start <= DAYS_UP_TO else Step.MONTH
    first = _floor(start, step)
    count = _by_hour if step is Step.HOUR else _by_day
    found = count(connection, replace(wanted, after=start if step is Step.HOUR else first, before=end), step)
    slots = [Slot(at, after, *found.get(at, (0, 0))) for at, after in _slots(first, end, step)]
    return Timeline(step, slots)


def _by_hour(connection: psycopg.Connection[Any], wanted: Filter, _step: Step) -> dict[datetime, tuple[int, int]]:
    query = SQL(
        "select date_trunc('hour', r.at at time zone 'UTC'), count(*), count(*) filter (where k.decision = {deny})"
        " from access_record r join access_kind k on k.id = r.kind where {record} and {kind} group by 1"
    ).format(deny=DENY, **conditions(wanted))
    return {slot.replace(tzinfo=UTC): (requests, denied) for slot, requests, denied in connection.execute(query)}


def _by_day(connection: psycopg.Connection[Any], wanted: Filter, step: Step) -> dict[datetime, tuple[int, int]]:
    found: dict[datetime, tuple[int, int]] = {}
    for row in totals(connection, wanted, (step.value, "decision")):
        text = row[step.value] if step is Step.DAY else f"{row[step.value]}-01"
        slot = datetime.fromisoformat(text).replace(tzinfo=UTC)
        requests, denied = found.get(slot, (0, 0))
        more = row["requests"]
        found[slot] = requests + more, denied + (more if row["decision"] == DENY else 0)
    return found


def _slots(start: datetime, end: datetime, step: Step) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        after = _next(start, step)
        yield start, after
        start = after


def _floor(moment: datetime, step: Step) -> datetime:
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if step is Step.HOUR:
        return hour
    return hour.replace(hour=0) if step is Step.DAY else hour.replace(hour=0, day=1)


def _next(start: datetime, step: Step) -> datetime:
    if step is Step.MONTH:
        return (start + timedelta(days=32)).replace(day=1)
    return start + (timedelta(hours=1) if step is Step.HOUR else timedelta(days=1))
