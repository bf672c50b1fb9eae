"""Sensors in the terms of OGC SensorThings 1.1: things, datastreams, observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.types.enums import DatastreamOrder, Quality, TimeOrder
from schema.types.inputs import DatastreamFilter, NestedObservationFilter, TimeInterval
from schema.types.paging import LOCAL_KEYS, NULL_IF_NEWER, SORT_KEYS, TOTAL, FederationReport, PageInfo
from schema.types.scalars import DateTime

if TYPE_CHECKING:
    from schema.types.catalog import Dataset


@strawberry.type(description="A point in WGS 84 degrees.")
class Location:
    """Where a thing stands."""

    longitude: float
    latitude: float
    place: str | None = strawberry.field(description="Name of the place.")


@strawberry.type(description="The instrument, or the procedure, that observes.")
class Sensor:
    """SensorThings Sensor."""

    id: strawberry.ID
    name: str
    description: str
    encoding_type: str
    metadata: str


@strawberry.type(description="What is observed, e.g. the number of vehicles that pass.")
class ObservedProperty:
    """SensorThings ObservedProperty."""

    id: strawberry.ID
    key: str = strawberry.field(description="Short name to filter by, e.g. traffic-count.")
    name: str
    definition: str = strawberry.field(description="IRI of the definition.")
    description: str


@strawberry.type(description="One result at a time or over an interval. Times are UTC. Visible as its dataset is.")
class Observation:
    """SensorThings Observation."""

    phenomenon_time: DateTime = strawberry.field(description="When it was observed; the start, if an interval. UTC.")
    phenomenon_end: DateTime | None = strawberry.field(
        description="End of the interval, exclusive; null for an instant. UTC."
    )
    result: float | None = strawberry.field(description="In the datastream's unit; null if quality is MISSING.")
    quality: Quality | None = strawberry.field(description=NULL_IF_NEWER)
    datastream: Annotated[Datastream, strawberry.lazy("schema.types.sensors")]


@strawberry.type(description="An observation and its place in the list.")
class ObservationEdge:
    """Relay edge."""

    cursor: str
    node: Observation


@strawberry.type(description="A page of observations.")
class ObservationConnection:
    """Relay connection."""

    edges: list[ObservationEdge]
    nodes: list[Observation] = strawberry.field(description="The nodes without their cursors.")
    sort_keys: list[str] = strawberry.field(description=SORT_KEYS)
    local_keys: list[str] = strawberry.field(description=LOCAL_KEYS)
    page_info: PageInfo
    federation: FederationReport | None = strawberry.field(
        description="Who answered. Null in nested lists: they are of one city."
    )


@strawberry.type(
    description="A series of observations of one property at one thing by one sensor. Visible as its dataset is."
)
class Datastream:
    """SensorThings Datastream."""

    id: strawberry.ID
    city: str = strawberry.field(description="City id of the owner.")
    name: str
    description: str
    observation_type: str = strawberry.field(description="IRI, OGC Observations and Measurements 2.0.")
    unit: str = strawberry.field(description="UCUM code; counts have 1.")
    vehicle_class: str | None = strawberry.field(
        description="E.g. BICYCLE, CAR, PEDESTRIAN; null if not about traffic."
    )
    direction: str | None = strawberry.field(description="As the city names it, e.g. stadteinwärts.")
    interval_seconds: int | None = strawberry.field(
        description="Length of an observation in seconds; null for instants."
    )
    phenomenon_start: DateTime | None = strawberry.field(description="Start of the first observation, UTC.")
    phenomenon_end: DateTime | None = strawberry.field(description="End of the last observation, UTC.")
    thing: Annotated[Thing, strawberry.lazy("schema.types.sensors")]
    sensor: Sensor
    observed_property: ObservedProperty
    dataset: Annotated[Dataset, strawberry.lazy("schema.types.catalog")]
    latest: Observation | None = strawberry.field(description="The latest observation.")

    @strawberry.field(description="Observations of this datastream. `first` at most 10000.")
    def observations(
        self,
        filter: NestedObservationFilter | None = None,  # noqa: A002 - the argument's name in the API
        during: TimeInterval | None = None,
        order_by: TimeOrder = TimeOrder.TIME_DESC,
        first: int = 20,
        after: str | None = None,
    ) -> ObservationConnection:
        """Prepared."""
        raise NotImplementedError


@strawberry.type(description="A datastream and its place in the list.")
class DatastreamEdge:
    """Relay edge."""

    cursor: str
    node: Datastream


@strawberry.type(description="A page of datastreams.")
class DatastreamConnection:
    """Relay connection."""

    edges: list[DatastreamEdge]
    nodes: list[Datastream] = strawberry.field(description="The nodes without their cursors.")
    sort_keys: list[str] = strawberry.field(description=SORT_KEYS)
    local_keys: list[str] = strawberry.field(description=LOCAL_KEYS)
    page_info: PageInfo
    total_count: int | None = strawberry.field(description=TOTAL)
    federation: FederationReport | None = strawberry.field(
        description="Who answered. Null in nested lists: they are of one city."
    )


@strawberry.type(
    description="Something in the city that carries sensors, e.g. a counting station."
    " Visible if one of its datastreams is."
)
class Thing:
    """SensorThings Thing."""

    id: strawberry.ID
    city: str = strawberry.field(description="City id of the owner.")
    name: str
    description: str
    location: Location | None

    @strawberry.field(description="Its datastreams that the caller may see. `first` at most 1000.")
    def datastreams(
        self,
        filter: DatastreamFilter | None = None,  # noqa: A002 - the argument's name in the API
        order_by: DatastreamOrder = DatastreamOrder.NAME_ASC,
        first: int = 20,
        after: str | None = None,
    ) -> DatastreamConnection:
        """Prepared."""
        raise NotImplementedError


@strawberry.type(description="A thing and its place in the list.")
class ThingEdge:
    """Relay edge."""

    cursor: str
    node: Thing


@strawberry.type(description="A page of things.")
class ThingConnection:
    """Relay connection."""

    edges: list[ThingEdge]
    nodes: list[Thing] = strawberry.field(description="The nodes without their cursors.")
    sort_keys: list[str] = strawberry.field(description=SORT_KEYS)
    local_keys: list[str] = strawberry.field(description=LOCAL_KEYS)
    page_info: PageInfo
    total_count: int | None = strawberry.field(description=TOTAL)
    federation: FederationReport | None = strawberry.field(
        description="Who answered. Null in nested lists: they are of one city."
    )
