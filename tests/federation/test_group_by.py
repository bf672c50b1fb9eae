"""Whatever observations are grouped by, the cities' groups together are the federation's: nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

DOCUMENT = """query ($cities: [ID!], $by: [GroupBy!]!) {
  aggregate(cities: $cities, filter: {}, groupBy: $by, every: "PT1H",
            during: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}) {
    groups { city cities unit vehicleClass direction observedProperty { key } thing { id } datastream { id }
             buckets { start count sum } }
    federation { complete } } }"""
APART = {"CITY", "THING", "DATASTREAM"}


async def groups_of(federation, entry: str, cities: list[str] | None, by: list[str]) -> list[dict[str, Any]]:
    answer = await federation[entry].ask(DOCUMENT, variables={"cities": cities, "by": by})
    assert answer.data["aggregate"]["federation"]["complete"] is True
    return answer.data["aggregate"]["groups"]


def counted(groups: list[dict[str, Any]], by: list[str]) -> tuple[Counter, Counter]:
    """How much each group counted in each bucket, and its sum, by what tells it from the others."""
    counts, sums = Counter[Any](), Counter[Any]()
    for group in groups:
        marks = {
            "CITY": group["city"],
            "THING": group["thing"] and group["thing"]["id"],
            "DATASTREAM": group["datastream"] and group["datastream"]["id"],
            "VEHICLE_CLASS": group["vehicleClass"],
            "DIRECTION": group["direction"],
        }
        mark = group["observedProperty"]["key"], group["unit"], *(marks[one] for one in by)
        for bucket in group["buckets"]:
            counts[*mark, bucket["start"]] += bucket["count"]
            sums[*mark, bucket["start"]] += bucket["sum"] or 0
    return counts, sums


@pytest.mark.parametrize(
    "by",
    [
        [],
        ["CITY"],
        ["THING"],
        ["DATASTREAM"],
        ["VEHICLE_CLASS"],
        ["DIRECTION"],
        ["DIRECTION", "VEHICLE_CLASS"],
        ["CITY", "VEHICLE_CLASS"],
        ["THING", "VEHICLE_CLASS", "DIRECTION"],
    ],
)
async def test_groups_of_all_are_those_of_each_together(federation, by):
    alone = [group for city in sorted(federation.towns) for group in await groups_of(federation, city, [city], by)]
    assert any(bucket["count"] for group in alone for bucket in group["buckets"])
    for entry in ("offenbach", "fulda"):
        together = await groups_of(federation, entry, None, by)
        assert counted(together, by) == counted(alone, by)
        marks = list(counted(together, by)[0])
        assert len(marks) == sum(len(group["buckets"]) for group in together), "each group is there once"
        if not APART & set(by):
            assert len(together) < len(alone), "cities have groups in common"


async def test_one_city_and_then_several_by_the_same_document(federation):
    """They are asked for different parts by statements of their own."""
    for cities in (["offenbach"], ["offenbach", "fulda"], ["offenbach"]):
        (*groups,) = await groups_of(federation, "offenbach", cities, [])
        assert {city for group in groups for city in group["cities"]} == set(cities)
