"""Groups that cities have in common: what they tell is checked, and put together bucket by bucket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import pytest

from federation.buckets import Slot
from federation.errors import PeerIncompatible
from federation.groups import MergedGroupsPlan
from federation.results import plan_result
from tests.unit.schema.test_selection import tree

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
SLOTS = [Slot(START, START + HOUR, Slot(START - 24 * HOUR, START - 23 * HOUR)), Slot(START + HOUR, START + 2 * HOUR)]
DURING = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-01T02:00:00Z"}, every: "PT1H", compareWith: "P1D"'
ALL = "count sum avg min max stddev coverage expected missing quantile(at: 0.5) histogram { bins counts }"


async def plan_of(groups: str, group_by: str = "") -> MergedGroupsPlan:
    root = await tree("{ aggregate(filter: {}, %s, groupBy: [%s]) { groups { %s } } }" % (DURING, group_by, groups))
    plan = plan_result(root, 2, lambda: SLOTS)
    assert isinstance(plan, MergedGroupsPlan)
    return plan


def bucket(slot: Slot, *values: float, **more: object) -> dict[str, Any]:
    mean = sum(values) / max(1, len(values))
    one = {
        "start": slot.start.isoformat(),
        "count": len(values),
        "sum": sum(values) if values else None,
        "min": min(values, default=None),
        "max": max(values, default=None),
        "squaredDeviations": sum((value - mean) ** 2 for value in values) if values else None,
        "histogram": {"bins": [0], "counts": [len(values)]} if values else None,
        "coverage": 0.5,
        "expected": 4,
        "q0": 7.0,
    }
    return one | more


def group(key: str = "count", *buckets: dict[str, Any], **more: object) -> dict[str, Any]:
    marks = {"p": {"key": key}, "u": "1", "v": "CAR", "d": None, "n": 1}
    given = buckets or (bucket(SLOTS[0], 0.0, previous=bucket(SLOTS[0].previous, 0.0)), bucket(SLOTS[1]))
    return marks | {"b": list(given)} | more


def members(*groups: dict[str, Any]) -> dict[str, msgspec.Raw]:
    return {"groups": msgspec.Raw(orjson.dumps(groups))}


def assembled(plan: MergedGroupsPlan, **parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    read = {city: plan.read(city, members(*groups)) for city, groups in parts.items()}
    return orjson.loads(plan.assemble(read)["groups"])


async def test_buckets_are_put_together_and_gaps_stay_gaps():
    plan = await plan_of("cities datastreamCount buckets { start end %s previous { count } }" % ALL)
    one = group("count", bucket(SLOTS[0], 1.0, 2.0, previous=bucket(SLOTS[0].previous, 5.0)), bucket(SLOTS[1]), n=3)
    other = group(
        "count",
        bucket(SLOTS[0], 6.0, expected=1, coverage=1, previous=bucket(SLOTS[0].previous)),
        bucket(SLOTS[1], expected=None),
    )
    (told,) = assembled(plan, fulda=[other], giessen=[one])
    assert (told["cities"], told["datastreamCount"]) == (["fulda", "giessen"], 4)
    first, second = told["buckets"]
    assert first == {
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-01T01:00:00+00:00",
        "count": 3,
        "sum": 9.0,
        "avg": 3.0,
        "min": 1.0,
        "max": 6.0,
        "stddev": pytest.approx(7**0.5),
        "coverage": 0.625,
        "expected": 5,
        "missing": 2,
        "quantile": 1.0,  # as the bins have it, but not below the minimum
        "histogram": {"bins": [0], "counts": [3]},
        "previous": {"count": 1},
    }
    assert (second["count"], second["sum"], second["histogram"], second["quantile"]) == (0, None, None, None)
    assert (second["expected"], second["missing"], second["previous"]) == (None, None, None)


async def test_a_city_alone_in_a_bucket_has_its_own_quantile():
    plan = await plan_of("buckets { quantile(at: 0.5) quantileError }")
    observed, gap = group(), group("count", bucket(SLOTS[0], previous=bucket(SLOTS[0].previous)), bucket(SLOTS[1]))
    (told,) = assembled(plan, fulda=[observed], giessen=[gap])
    assert told["buckets"][0] == {"quantile": 7.0, "quantileError": 0.0}
    (told,) = assembled(plan, fulda=[observed], giessen=[observed])
    assert told["buckets"][0] == {"quantile": 0.0, "quantileError": 0.01}


async def test_who_has_only_datastreams_that_are_too_coarse_takes_nothing_away():
    plan = await plan_of("buckets { expected coverage }")
    none = group("count", *(bucket(slot, expected=None, coverage=None) for slot in SLOTS), n=0)
    (told,) = assembled(plan, fulda=[none], giessen=[group()])
    assert told["buckets"] == [{"expected": 4, "coverage": 0.5}] * 2
    (told,) = assembled(plan, fulda=[none])
    assert told["buckets"] == [{"expected": None, "coverage": None}] * 2


async def test_groups_stand_in_the_order_that_an_owner_gives_them():
    plan = await plan_of("unit vehicleClass direction observedProperty { key } city", "DIRECTION, VEHICLE_CLASS")
    named = {"observedProperty": {"key": "count"}}
    fulda = [group(v=None, d="in", **named), group(v="CAR", d=None, **named)]
    giessen = [group(v="CAR", d="in", **named), group(v="CAR", d="out", **named), group(v=None, d="in", **named)]
    told = assembled(plan, giessen=giessen, fulda=fulda)
    assert [(one["direction"], one["vehicleClass"], one["city"]) for one in told] == [
        ("in", "CAR", "giessen"),
        ("in", None, None),
        ("out", "CAR", "giessen"),
        (None, "CAR", "fulda"),
    ]


async def test_units_are_never_mixed():
    plan = await plan_of("unit city")
    told = assembled(plan, fulda=[group(u="km/h")], giessen=[group()])
    assert [(one["unit"], one["city"]) for one in told] == [("1", "giessen"), ("km/h", "fulda")]


async def test_what_no_two_cities_have_in_common_is_null():
    plan = await plan_of("thing { name } tooCoarse { name } vehicleClass city")
    one = group(thing={"name": "a"}, tooCoarse=[{"name": "x"}])
    other = group(thing={"name": "b"}, tooCoarse=[{"name": "y"}] * 100, v="BICYCLE")
    (told,) = assembled(plan, fulda=[one], giessen=[other])
    assert (told["thing"], told["vehicleClass"], told["city"]) == (None, None, None)
    assert told["tooCoarse"] == [{"name": "x"}, *[{"name": "y"}] * 99]
    (told,) = assembled(plan, fulda=[one])
    assert (told["thing"], told["vehicleClass"], told["city"]) == ({"name": "a"}, "CAR", "fulda")


@pytest.mark.parametrize(
    "lie",
    [
        {"count": -1},
        {"start": "2026-01-01T00:00:01Z"},
        {"min": 3.0, "max": 2.0},
        {"squaredDeviations": -0.1},
        {"expected": -1},
        {"histogram": {"bins": [0], "counts": [2]}},
        {"histogram": {"bins": [0, 0], "counts": [1, 0]}},
        {"histogram": {"bins": [0, 1], "counts": [2, -1]}},
        {"histogram": {"bins": [9_999], "counts": [1]}},
        {"histogram": {"bins": [0, 1], "counts": [1]}},
        {"sum": "1"},
        {"previous": None},
    ],
)
async def test_what_does_not_fit_is_not_added(lie):
    plan = await plan_of("buckets { %s previous { count } }" % ALL)
    honest = bucket(SLOTS[0], 0.0, previous=bucket(SLOTS[0].previous, 0.0))
    plan.read("fulda", members(group("count", honest, bucket(SLOTS[1]))))
    with pytest.raises(PeerIncompatible):
        plan.read("fulda", members(group("count", honest | lie, bucket(SLOTS[1]))))


async def test_neither_are_too_many_groups_or_buckets():
    plan = await plan_of("buckets { count previous { count } }")
    with pytest.raises(PeerIncompatible, match="buckets"):
        plan.read("fulda", members(group("count", bucket(SLOTS[0], previous=bucket(SLOTS[0].previous)))))
    with pytest.raises(PeerIncompatible, match="twice"):
        plan.read("fulda", members(group(), group()))
    with pytest.raises(PeerIncompatible, match="form"):
        plan.read("fulda", members({"b": []}))
