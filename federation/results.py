"""Which plan splits which result. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from federation.buckets import Slot
from federation.elements import GroupsPlan, SeriesPlan, columns_of
from federation.facets import FacetsPlan
from federation.groups import MergedGroupsPlan
from federation.parts import PartsPlan
from schema.estimates import DIVIDES
from schema.selection import Field


def plan_result(root: Field, cities: int, slots: Callable[[], Sequence[Slot]]) -> PartsPlan:
    """The plan for a root field whose type is a result, of which so many cities are asked for their parts.

    `slots` gives the buckets of an aggregate. One city alone computes its groups itself.
    """
    match root.type_name:
        case "SeriesResult":
            return SeriesPlan(root, columns_of(root.children_named("series")))
        case "AggregateResult" if cities > 1 and DIVIDES.isdisjoint(root.arguments["groupBy"]):
            return MergedGroupsPlan(root, slots())
        case "AggregateResult":
            return GroupsPlan(root, columns_of(root.children_named("groups")))
        case _:
            return FacetsPlan(root)
