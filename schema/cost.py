"""What an operation may cost, computed from the document and its arguments before anything runs. Pure.

A field costs its weight and that of what is selected below it, for each object that it may give; a list gives as many
as its `first` allows, and nested lists multiply. So the cost is the most that a request can take, not what it takes.

The rules are IBM's (GraphQL Cost Directives, draft of 2021) as gateways apply them, with one sum instead of two: the
weight of a field counts once for each object that it gives. One default differs: a value costs a little instead of
nothing, or aliases would be free.

It is the cost of a node that answers. Asking other cities does not multiply it: every owner reckons and bounds its own
part by the same rules. What the home node has to put together does count, for each city that it asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schema.errors import TooCostly
from schema.estimates import estimate_of
from schema.selection import Field
from schema.weights import (
    ASSUMED_SIZES,
    DEFAULT_FIRST,
    LEAF,
    MERGED,
    MERGED_BINS,
    OBJECT,
    PAGE_PARTS,
    READ,
    WEIGHTS,
    is_page,
)

_BINNED = frozenset({"quantile", "histogram"})
HUGE = 10**12
CURSOR = 1  # what a cursor weighs
LESS = (
    "ask for less there: a smaller `first`, fewer fields, a shorter `during`, a longer `every`; or ask in several"
    " requests"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """The most that something may bring: rows of lists, and what all of it costs."""

    rows: int = 0
    cost: float = 0.0

    @property
    def requested(self) -> int:
        """The cost as it is told: a whole number."""
        return math.ceil(round(self.cost, 3))


@dataclass(frozen=True, slots=True)
class CostLimits:
    """What one operation may ask for in all its root fields together."""

    rows: int = 100_000
    cost: int = 200_000

    def for_peers(self) -> CostLimits:
        """Limits for what another node sends: it asks for a cursor with every row, and merges by that."""
        return CostLimits(self.rows, 2 * self.cost + CURSOR * self.rows)


def cost_of(root: Field, members: int = 1) -> Cost:
    """The cost of one root field, in a federation of so many cities."""
    estimate = estimate_of(root.name, root.arguments)
    rows, cost = _sum(root, "Query", estimate.sizes)
    if estimate.merged and (cities := _asked(root, members)) > 1:
        each = MERGED + MERGED_BINS * any(map(_has_bins, root.children))
        cost += estimate.merged * cities * each
    return Cost(rows + estimate.rows, cost + READ * estimate.read)


def check_cost(fields: Sequence[Field], limits: CostLimits, members: int = 1) -> Cost:
    """The cost of an operation: the sum over its root fields, in a federation of so many cities.

    Raises:
        TooCostly: with the cost, the limit, where most of it comes from, and what to do.
    """
    costs = [cost_of(field, members) for field in fields]
    total = Cost(sum(cost.rows for cost in costs), sum(cost.cost for cost in costs))
    if total.rows > limits.rows:
        raise TooCostly(
            f"the document asks for up to {_told(total.rows)} rows, nested lists multiplied; the limit is"
            f" {limits.rows}. Most of them are in {_heaviest(fields, lambda part: part.rows)}",
            hint=LESS,
            cost=as_extension(total, limits),
        )
    if total.requested > limits.cost:
        raise TooCostly(
            f"the document costs up to {_told(total.requested)}; the limit is {limits.cost}. Most of it is in"
            f" {_heaviest(fields, lambda part: part.cost)}",
            hint=LESS,
            cost=as_extension(total, limits),
        )
    return total


def as_extension(cost: Cost, limits: CostLimits) -> Mapping[str, int]:
    """What `extensions.cost` says, of an answer and of the error that refuses one."""
    return {
        "requested": min(cost.requested, HUGE),
        "limit": limits.cost,
        "rows": min(cost.rows, HUGE),
        "rowsLimit": limits.rows,
    }


def _asked(root: Field, members: int) -> int:
    cities = root.arguments.get("cities")
    return members if cities is None else len({*cities})


def _has_bins(part: Field) -> bool:
    return part.name in _BINNED or any(map(_has_bins, part.children))


def _sum(field: Field, parent: str, sizes: Mapping[str, int]) -> tuple[int, float]:
    """Rows and cost of one field of an object of type `parent`. `sizes`: lengths of lists, by coordinate."""
    type_name = field.type_name
    page = is_page(type_name)
    rows, cost, of_rows = 0, 0.0, 0.0
    for child in field.children:
        if not child.children:
            coordinate = f"{type_name}.{child.name}"
            leaf = WEIGHTS.get(coordinate, LEAF) * (sizes.get(coordinate, 1) if sizes else 1)
            if page and child.name in PAGE_PARTS:
                of_rows += leaf
            else:
                cost += leaf
            continue
        child_rows, child_cost = _sum(child, type_name, sizes)
        rows += child_rows
        if page and child.name in PAGE_PARTS:
            of_rows += child_cost
        else:
            cost += child_cost
    if page:  # rows are read even if nothing of them is selected
        size = _first(field)
        rows = size * (1 + rows)
        cost += size * max(of_rows, _weight(type_name.removesuffix("Connection")))
    coordinate = f"{parent}.{field.name}"
    weight = WEIGHTS.get(coordinate)
    cost += _weight(type_name) if weight is None else weight
    if parent == "Query":  # below the root, a filter looks at the rows of one parent only
        cost += _of_filter(field)
    many = sizes.get(coordinate, ASSUMED_SIZES.get(coordinate, 1))
    if not page and "first" in field.arguments:
        many = _first(field)
    return rows * many, cost * many


def _weight(type_name: str) -> float:
    return WEIGHTS.get(type_name, OBJECT)


def _of_filter(field: Field) -> float:
    given = field.arguments.get("filter")
    if not given:
        return 0.0
    type_name = field.argument_types["filter"].rstrip("!")
    return sum(WEIGHTS.get(f"{type_name}.{name}", 0.0) for name in given)


def _first(field: Field) -> int:
    return max(0, int(field.arguments.get("first", DEFAULT_FIRST)))


def _heaviest(fields: Sequence[Field], measure: Callable[[Cost], float]) -> str:
    """The path, in response keys, down to where most of the measure arises."""
    parts = [(measure(cost_of(field)), field) for field in fields]
    return ".".join(field.key for field in _way(parts, measure)) or "several root fields"


def _way(parts: Sequence[tuple[float, Field]], measure: Callable[[Cost], float]) -> Iterator[Field]:
    """Down into the heaviest part for as long as it has at least half of what all of them have."""
    most, field = max(parts, key=lambda part: part[0], default=(0.0, None))
    if field is None or most <= 0 or 2 * most < sum(part for part, _ in parts):
        return
    yield field
    below = [child for child in field.children if child.children]
    yield from _way([(measure(Cost(*_sum(child, field.type_name, {}))), child) for child in below], measure)


def _told(number: int) -> str:
    return str(number) if number <= HUGE else f"more than {HUGE}"
