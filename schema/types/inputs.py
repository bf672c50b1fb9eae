"""Filters. Conditions are joined by and; the values of one list by or."""

from __future__ import annotations

import strawberry

from schema.types.enums import Quality, Tier
from schema.types.scalars import DateTime


@strawberry.input(description="From `start` (inclusive) to `end` (exclusive).")
class TimeInterval:
    """A half-open interval."""

    start: DateTime = strawberry.field(description="Inclusive.")
    end: DateTime = strawberry.field(description="Exclusive.")


@strawberry.input(description="A box in WGS 84 degrees.")
class BoundingBoxInput:
    """West to east must not cross the date line."""

    west: float = strawberry.field(description="Smallest longitude.")
    south: float = strawberry.field(description="Smallest latitude.")
    east: float = strawberry.field(description="Largest longitude.")
    north: float = strawberry.field(description="Largest latitude.")


@strawberry.input(description="Which datasets.")
class DatasetFilter:
    """Filter of `datasets`."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids.")
    text: str | None = strawberry.field(
        default=None,
        description='Words in title, keywords or description, German stemming; `"…"` for a phrase, `-` excludes.',
    )
    themes: list[str] | None = strawberry.field(default=None, description="EU data themes, e.g. TRAN, ENVI.")
    keywords: list[str] | None = strawberry.field(default=None, description="Exact keywords.")
    tiers: list[Tier] | None = None
    publishers: list[str] | None = strawberry.field(default=None, description="Names of publishers.")
    observed_properties: list[str] | None = strawberry.field(
        default=None, description="Datasets with a datastream of one of these, by key, e.g. traffic-count."
    )
    bbox: BoundingBoxInput | None = strawberry.field(
        default=None, description="Datasets whose bounding box, or one of whose things, lies in or touches the box."
    )
    temporal: TimeInterval | None = strawberry.field(
        default=None, description="Datasets whose temporal extent overlaps; those without an extent are left out."
    )
    modified_since: DateTime | None = None


@strawberry.input(description="Which things.")
class ThingFilter:
    """Filter of `things`."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids.")
    text: str | None = strawberry.field(default=None, description="Part of the name, any case.")
    bbox: BoundingBoxInput | None = None
    observed_properties: list[str] | None = strawberry.field(default=None, description="By key, e.g. traffic-count.")


@strawberry.input(description="Which datastreams.")
class DatastreamFilter:
    """Filter of `datastreams`."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids.")
    datasets: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of datasets.")
    things: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of things.")
    observed_properties: list[str] | None = strawberry.field(default=None, description="By key, e.g. traffic-count.")
    vehicle_classes: list[str] | None = strawberry.field(default=None, description="E.g. BICYCLE, CAR, PEDESTRIAN.")
    bbox: BoundingBoxInput | None = strawberry.field(default=None, description="Where the thing stands.")


@strawberry.input(description="Which observations.")
class ObservationFilter:
    """Filter of `observations`."""

    datastreams: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids.")
    datasets: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of datasets.")
    things: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of things.")
    observed_properties: list[str] | None = strawberry.field(default=None, description="By key, e.g. traffic-count.")
    vehicle_classes: list[str] | None = strawberry.field(default=None, description="E.g. BICYCLE, CAR, PEDESTRIAN.")
    bbox: BoundingBoxInput | None = strawberry.field(default=None, description="Where the thing stands.")
    qualities: list[Quality] | None = None


@strawberry.input(description="Which access records.")
class AccessFilter:
    """Filter of `accessLog`."""

    cities: list[str] | None = strawberry.field(default=None, description="Asking or answering city.")
    applications: list[str] | None = None
    datasets: list[str] | None = strawberry.field(default=None, description="Global ids of datasets.")
    purposes: list[str] | None = None
    decisions: list[str] | None = strawberry.field(default=None, description="PERMIT, DENY, NONE.")
    trace_ids: list[str] | None = None
    during: TimeInterval | None = None
