"""Questions made up from a seed, in words that several cities and one city with all their data understand alike."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.worlds import LATITUDES, LONGITUDES, TEXTS, THEMES, UNITS, VEHICLES

ALWAYS = {"start": "0001-01-01T00:00:00Z", "end": "9999-01-01T00:00:00Z"}
_NODES = {
    "datasets": (
        "DatasetFilter",
        "DatasetOrder",
        (
            "id title tier themes issued publisher { name } distributions { title byteSize }"
            " datastreams(first: 2, orderBy: NAME_DESC) { totalCount nodes { id name } }"
        ),
    ),
    "things": (
        "ThingFilter",
        "ThingOrder",
        "id name location { longitude place } datastreams(first: 3) { nodes { id unit } }",
    ),
    "datastreams": (
        "DatastreamFilter",
        "DatastreamOrder",
        (
            "id name unit vehicleClass thing { id name } dataset { id title } latest { phenomenonTime result }"
            " observations(first: 2, orderBy: TIME_ASC) { nodes { phenomenonTime quality } }"
        ),
    ),
    "observations": (
        "ObservationFilter!",
        "TimeOrder",
        "phenomenonTime result quality datastream { id }",
    ),
}
_STATISTICS = "start end count sum avg min max stddev coverage expected missing"


@dataclass(frozen=True)
class Question:
    """A document with its variables. `field` is the root; of a list, `first` rows are asked for at a time."""

    root: str
    document: str
    variables: dict[str, Any] = field(default_factory=dict)
    is_list: bool = True


class Maker:
    """Makes questions up."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def question(self) -> Question:
        """Any of them."""
        if self._chance.random() < 0.2:
            return self._aggregate()
        if self._chance.random() < 0.2:
            return self._facets()
        return self._list(self._pick(list(_NODES)))

    def _list(self, root: str) -> Question:
        filter_type, order_type, nodes = _NODES[root]
        wanted = self._filter(root)
        variables = {"filter": wanted, "orderBy": self._order(root, wanted)}
        during = ""
        if root == "observations":
            during = ", during: $during"
            variables["during"] = ALWAYS
        declared = f"$filter: {filter_type}, $orderBy: {order_type}!, $first: Int!, $after: String"
        declared += ", $during: TimeInterval!" if during else ""
        total = "" if root == "observations" else "totalCount"
        document = (
            f"query ({declared}) {{ {root}(filter: $filter, orderBy: $orderBy, first: $first, after: $after{during})"
            f" {{ nodes {{ {nodes} }} {total} pageInfo {{ hasNextPage endCursor }} }} }}"
        )
        return Question(root, document, variables)

    def _filter(self, root: str) -> dict[str, Any]:
        wanted: dict[str, Any] = {}
        if self._flip(25) and root != "observations":
            wanted[self._pick(["text", "textPrefix"])] = self._pick(TEXTS[:8])
        if root == "datasets":
            for name, values in (("themes", THEMES), ("tiers", ("OPEN", "SHARED")), ("keywords", TEXTS[:4])):
                if self._flip(15):
                    wanted[name] = [self._pick(values)]
            if self._flip(15):
                wanted["hasDatastreams"] = self._flip(50)
        elif self._flip(25):
            wanted["vehicleClasses"] = [self._pick(VEHICLES)]
        if root in {"datastreams", "observations"} and self._flip(25):
            wanted["units"] = [self._pick(UNITS)]
        if self._flip(20):
            wanted["bbox"] = self._box()
        if root in {"things", "datastreams"} and self._flip(20):
            wanted["near"] = {
                "longitude": 8.6,
                "latitude": 50.6,
                "radiusMetres": self._pick([100.0, 20_000.0, 900_000.0]),
            }
        return wanted

    def _order(self, root: str, wanted: dict[str, Any]) -> str:
        orders = {
            "datasets": ["TITLE_ASC", "TITLE_DESC", "MODIFIED_ASC", "MODIFIED_DESC", "ISSUED_DESC"],
            "things": ["NAME_ASC", "NAME_DESC"],
            "datastreams": ["NAME_ASC", "NAME_DESC", "PHENOMENON_END_ASC", "PHENOMENON_END_DESC"],
            "observations": ["TIME_ASC", "TIME_DESC"],
        }[root]
        if "near" in wanted:
            orders = [*orders, "DISTANCE", "DISTANCE"]
        if {"text", "textPrefix"} & wanted.keys():
            orders = [*orders, "RELEVANCE", "RELEVANCE"]
        return self._pick(orders)

    def _aggregate(self) -> Question:
        every = self._pick([None, "P1Y", "P1M"])
        during = ALWAYS if every is None else {"start": "2025-12-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
        variables = {
            "filter": self._filter("observations"),
            "during": during,
            "every": every,
            "groupBy": self._pick([[], ["VEHICLE_CLASS"], ["DIRECTION", "VEHICLE_CLASS"]]),
        }
        document = (
            "query ($filter: ObservationFilter!, $during: TimeInterval!, $every: Duration, $groupBy: [GroupBy!]!)"
            " { aggregate(filter: $filter, during: $during, every: $every, groupBy: $groupBy) { groups { unit"
            " vehicleClass direction observedProperty { key } datastreamCount buckets { %s q: quantile(at: 0.4)"
            " } } } }" % _STATISTICS
        )
        return Question("aggregate", document, variables, is_list=False)

    def _facets(self) -> Question:
        counts = " ".join(
            f"{name} {{ value count }}" for name in ("themes", "tiers", "publishers", "languages", "formats")
        )
        document = "query ($filter: DatasetFilter) { datasetFacets(filter: $filter) { total %s } }" % counts
        wanted = self._filter("datasets")
        if self._flip(60):
            wanted["themes"] = [self._pick((*THEMES, "GOVE"))]
        return Question("datasetFacets", document, {"filter": wanted}, is_list=False)

    def _box(self) -> dict[str, float]:
        (west, east), (south, north) = (sorted(self._chance.choices(values, k=2)) for values in (LONGITUDES, LATITUDES))
        return {"west": west, "south": south, "east": east, "north": north}

    def _pick(self, values: Sequence[Any]) -> Any:
        return self._chance.choice(values)

    def _flip(self, percent: int) -> bool:
        return self._chance.randrange(100) < percent
