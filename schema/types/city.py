"""A member of the federation, and the way through it to its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import strawberry
from strawberry import Info

from schema.selection import Field, select
from schema.types.catalog import DatasetConnection
from schema.types.enums import DatasetOrder, DatastreamOrder, GroupBy, LogState, ThingOrder, TimeOrder
from schema.types.facets import DatasetFacetsResult
from schema.types.inputs import DatasetFilter, DatastreamFilter, ObservationFilter, ThingFilter, TimeInterval
from schema.types.scalars import DateTime, Duration
from schema.types.sensors import DatastreamConnection, ObservationConnection, ThingConnection
from schema.types.statistics import AggregateResult

AS_ROOT = " As the root field of this name with `cities` set to this city; null with an error if it can't be answered."


@strawberry.type(description="The access log of a city, as the node that answers has witnessed it.")
class CityLog:
    """What was seen of it."""

    state: LogState
    size: int | None = strawberry.field(description="Leaves of the largest tree seen.")
    seen_at: DateTime | None = strawberry.field(
        description="When it was last seen, UTC; of the own log, when a quorum of witnesses had last cosigned it."
    )
    reason: str | None = strawberry.field(description="How it was caught, in a sentence.")


@strawberry.type(
    description="A member of the federation, from the signed membership list. Its lists are this city's own: each city"
    " is asked by itself, and tells in `federation` how that went."
)
class City:
    """Identified by a short id; official keys are attributes because they change."""

    id: strawberry.ID = strawberry.field(description="City id, e.g. giessen.")
    name: str
    ags: str | None = strawberry.field(description="Official municipality key (8 digits).")
    issuer: str = strawberry.field(description="URL of the city's node.")
    status: str = strawberry.field(description="ACTIVE or SUSPENDED.")
    log: CityLog

    @strawberry.field(description="Datasets of this city." + AS_ROOT)
    async def datasets(
        self,
        info: Info,
        filter: DatasetFilter | None = None,  # noqa: A002 - the argument's name in the API
        order_by: DatasetOrder = DatasetOrder.TITLE_ASC,
        first: int = 20,
        after: str | None = None,
    ) -> DatasetConnection | None:
        """Asked of the city."""
        return await _read(self, info)

    @strawberry.field(description="Counts for the side bar of a catalog page." + AS_ROOT)
    async def dataset_facets(
        self,
        info: Info,
        filter: DatasetFilter | None = None,  # noqa: A002
    ) -> DatasetFacetsResult | None:
        """Asked of the city."""
        return await _read(self, info)

    @strawberry.field(description="Things of this city." + AS_ROOT)
    async def things(
        self,
        info: Info,
        filter: ThingFilter | None = None,  # noqa: A002
        order_by: ThingOrder = ThingOrder.NAME_ASC,
        first: int = 20,
        after: str | None = None,
    ) -> ThingConnection | None:
        """Asked of the city."""
        return await _read(self, info)

    @strawberry.field(description="Datastreams of this city." + AS_ROOT)
    async def datastreams(
        self,
        info: Info,
        filter: DatastreamFilter | None = None,  # noqa: A002
        order_by: DatastreamOrder = DatastreamOrder.NAME_ASC,
        first: int = 20,
        after: str | None = None,
    ) -> DatastreamConnection | None:
        """Asked of the city."""
        return await _read(self, info)

    @strawberry.field(description="Observations of this city." + AS_ROOT)
    async def observations(
        self,
        info: Info,
        filter: ObservationFilter,  # noqa: A002
        during: TimeInterval,
        order_by: TimeOrder = TimeOrder.TIME_ASC,
        first: int = 20,
        after: str | None = None,
    ) -> ObservationConnection | None:
        """Asked of the city."""
        return await _read(self, info)

    @strawberry.field(description="Statistics of this city's observations." + AS_ROOT)
    async def aggregate(
        self,
        info: Info,
        filter: ObservationFilter,  # noqa: A002
        during: TimeInterval,
        every: Duration | None = None,
        time_zone: str = "Europe/Berlin",
        group_by: list[GroupBy] = [],  # noqa: B006 - Strawberry wants the default as GraphQL has it, and only reads it
        compare_with: Duration | None = None,
    ) -> AggregateResult | None:
        """Asked of the city."""
        return await _read(self, info)


def reads_below(root: Field, members: int) -> Iterator[Field]:
    """The reads that a root field brings about which is answered from memory itself: its cities' own, one each."""
    if root.name == "cities":
        for child in root.children:
            if child.children:
                yield from [child] * members
    for city in root.children_named("city"):
        yield from (child for child in city.children if child.children)


def reads_as_roots(root: Field, own: str) -> Iterator[Field]:
    """The same as root fields, by the paths of their keys: below `cities` of all members, else of this city, `own`."""
    places = (
        [(root, {})] if root.name == "cities" else [(city, {"cities": [own]}) for city in root.children_named("city")]
    )
    for place, cities in places:
        above = root.key if place is root else f"{root.key}.{place.key}"
        for child in place.children:
            if child.type_name.endswith(("Connection", "Result")):
                yield replace(child, key=f"{above}.{child.key}", arguments={**child.arguments, **cities})


async def _read(city: City, info: Info) -> Any:
    """The field as a root field that asks this city alone."""
    raw = info._raw_info  # noqa: SLF001 - Strawberry has no other way to the nodes
    asked = select(raw)
    query = raw.schema.query_type
    assert query is not None
    types = {name: str(argument.type) for name, argument in query.fields[asked.name].args.items()}
    root = replace(asked, arguments={**asked.arguments, "cities": [str(city.id)]}, argument_types=types)
    return await info.context.gate.read(info.context.request, root)
