"""Which plan splits which result. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from federation.elements import GroupsPlan, SeriesPlan, columns_of
from federation.facets import FacetsPlan
from federation.parts import PartsPlan
from schema.selection import Field

_PLANS: Mapping[str, Callable[[Field], PartsPlan]] = {
    "SeriesResult": lambda root: SeriesPlan(root, columns_of(root.children_named("series"))),
    "AggregateResult": lambda root: GroupsPlan(root, columns_of(root.children_named("groups"))),
    "DatasetFacetsResult": FacetsPlan,
}


def plan_result(root: Field) -> PartsPlan:
    """The plan for a root field whose type is a result."""
    return _PLANS[root.type_name](root)
