"""Filters. Conditions are joined by and; the values of one list by or."""

from __future__ import annotations

import strawberry

from schema.types.enums import Quality, Tier
from schema.types.scalars import DateTime

TEXT = (
    " Case, umlauts and ß do not matter (Zählstelle, Zaehlstelle); inflected words match, and words within longer ones"
    ' (verkehr finds Radverkehrszählung). `"…"` is a phrase, `-` excludes, `or` is an alternative. At most 200'
    " characters."
)
PREFIX = "As `text`, but the last word may be unfinished: for search boxes."
GLOBAL_IDS = "Global ids."
PROPERTIES = "By key, e.g. traffic-count."
CLASSES = "E.g. BICYCLE, CAR, PEDESTRIAN."
UNITS = "UCUM codes; counts have 1."
DIRECTIONS = "As the city names them, e.g. stadteinwärts."


@strawberry.input(description="From `start` (inclusive) to `end` (exclusive).")
class TimeInterval:
    """A half-open interval."""

    start: DateTime = strawberry.field(description="Inclusive.")
    end: DateTime = strawberry.field(description="Exclusive.")


@strawberry.input(description="From `start` (inclusive) to `end` (exclusive); open where left out.")
class TimeRange:
    """An interval that may be open on either side. Any offset; compared as points in time."""

    start: DateTime | None = strawberry.field(default=None, description="Inclusive.")
    end: DateTime | None = strawberry.field(default=None, description="Exclusive.")


@strawberry.input(description="From `min` to `max`, both inclusive; open where left out.")
class ResultRange:
    """A range of results."""

    min: float | None = strawberry.field(default=None, description="In the datastream's unit.")
    max: float | None = strawberry.field(default=None, description="In the datastream's unit.")


@strawberry.input(description="A box in WGS 84 degrees.")
class BoundingBoxInput:
    """West to east must not cross the date line."""

    west: float = strawberry.field(description="Smallest longitude.")
    south: float = strawberry.field(description="Smallest latitude.")
    east: float = strawberry.field(description="Largest longitude.")
    north: float = strawberry.field(description="Largest latitude.")


@strawberry.input(description="A circle on the ground: great-circle distance on a sphere of 6,371,008.8 metres.")
class NearInput:
    """Poles and the date line need no care of the caller's."""

    longitude: float = strawberry.field(description="WGS 84 degrees, -180 to 180.")
    latitude: float = strawberry.field(description="WGS 84 degrees, -90 to 90.")
    radius_metres: float = strawberry.field(description="Metres, more than 0 and at most 1,000,000.")


@strawberry.input(description="Which datasets.")
class DatasetFilter:
    """Filter of `datasets`."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=GLOBAL_IDS)
    text: str | None = strawberry.field(
        default=None,
        description="Words in title, keywords, description or publisher, or in names of its things and datastreams."
        + TEXT,
    )
    text_prefix: str | None = strawberry.field(default=None, description=PREFIX)
    themes: list[str] | None = strawberry.field(default=None, description="EU data themes, e.g. TRAN, ENVI.")
    keywords: list[str] | None = strawberry.field(default=None, description="Exact keywords.")
    tiers: list[Tier] | None = None
    publishers: list[str] | None = strawberry.field(default=None, description="Names of publishers.")
    licences: list[str] | None = strawberry.field(
        default=None, description="Datasets with a distribution under one of these, by code, e.g. dl-by-de/2.0."
    )
    formats: list[str] | None = strawberry.field(
        default=None, description="Datasets with a distribution in one of these EU file types, e.g. CSV."
    )
    languages: list[str] | None = strawberry.field(default=None, description="EU language codes, e.g. DEU.")
    accrual_periodicities: list[str] | None = strawberry.field(
        default=None, description="EU frequency codes, e.g. DAILY."
    )
    hvd_categories: list[str] | None = strawberry.field(
        default=None, description="IRIs of high-value-dataset categories."
    )
    is_high_value: bool | None = strawberry.field(
        default=None, description="Whether the dataset has a high-value-dataset category."
    )
    has_datastreams: bool | None = strawberry.field(default=None, description="Whether it has sensor data.")
    observed_properties: list[str] | None = strawberry.field(
        default=None, description="Datasets with a datastream of one of these, by key, e.g. traffic-count."
    )
    vehicle_classes: list[str] | None = strawberry.field(
        default=None, description="Datasets with a datastream of one of these, e.g. BICYCLE, CAR."
    )
    bbox: BoundingBoxInput | None = strawberry.field(
        default=None, description="Datasets whose bounding box, or one of whose things, lies in or touches the box."
    )
    near: NearInput | None = strawberry.field(
        default=None, description="Datasets one of whose things lies in the circle, or whose bounding box touches it."
    )
    temporal: TimeInterval | None = strawberry.field(
        default=None, description="Datasets whose temporal extent overlaps; those without an extent are left out."
    )
    issued: TimeRange | None = strawberry.field(
        default=None, description="First published within; datasets without the date are left out."
    )
    modified: TimeRange | None = strawberry.field(
        default=None, description="Last changed within; datasets without the date are left out."
    )
    modified_since: DateTime | None = strawberry.field(
        default=None, description="Short for `modified: {start: …}`: for harvesters."
    )


@strawberry.input(description="Which things.")
class ThingFilter:
    """Filter of `things`."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=GLOBAL_IDS)
    datasets: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Things with a datastream of one of these, global ids of datasets."
    )
    text: str | None = strawberry.field(default=None, description="Words in name, place or description." + TEXT)
    text_prefix: str | None = strawberry.field(default=None, description=PREFIX)
    bbox: BoundingBoxInput | None = None
    near: NearInput | None = None
    observed_properties: list[str] | None = strawberry.field(default=None, description=PROPERTIES)
    vehicle_classes: list[str] | None = strawberry.field(default=None, description=CLASSES)


@strawberry.input(description="Which datastreams.")
class DatastreamFilter:
    """Filter of `datastreams`."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=GLOBAL_IDS)
    datasets: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of datasets.")
    things: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of things.")
    text: str | None = strawberry.field(
        default=None, description="Words in name or description, or in the thing's name." + TEXT
    )
    text_prefix: str | None = strawberry.field(default=None, description=PREFIX)
    observed_properties: list[str] | None = strawberry.field(default=None, description=PROPERTIES)
    vehicle_classes: list[str] | None = strawberry.field(default=None, description=CLASSES)
    units: list[str] | None = strawberry.field(default=None, description=UNITS)
    directions: list[str] | None = strawberry.field(default=None, description=DIRECTIONS)
    bbox: BoundingBoxInput | None = strawberry.field(default=None, description="Where the thing stands.")
    near: NearInput | None = strawberry.field(default=None, description="Where the thing stands.")
    phenomenon_time: TimeRange | None = strawberry.field(
        default=None,
        description="Datastreams whose observations span a time that overlaps; those without any are left out.",
    )
    active_since: DateTime | None = strawberry.field(
        default=None, description="Datastreams whose last observation ends at this time or later."
    )


@strawberry.input(description="Which observations.")
class ObservationFilter:
    """Filter of `observations`."""

    datastreams: list[strawberry.ID] | None = strawberry.field(default=None, description=GLOBAL_IDS)
    datasets: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of datasets.")
    things: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of things.")
    observed_properties: list[str] | None = strawberry.field(default=None, description=PROPERTIES)
    vehicle_classes: list[str] | None = strawberry.field(default=None, description=CLASSES)
    units: list[str] | None = strawberry.field(default=None, description=UNITS)
    directions: list[str] | None = strawberry.field(default=None, description=DIRECTIONS)
    bbox: BoundingBoxInput | None = strawberry.field(default=None, description="Where the thing stands.")
    near: NearInput | None = strawberry.field(default=None, description="Where the thing stands.")
    qualities: list[Quality] | None = None
    result: ResultRange | None = strawberry.field(
        default=None, description="Observations without a result are left out."
    )


@strawberry.input(description="Which observations of a datastream.")
class NestedObservationFilter:
    """Filter of a datastream's observations."""

    qualities: list[Quality] | None = None
    result: ResultRange | None = strawberry.field(
        default=None, description="Observations without a result are left out."
    )


@strawberry.input(description="Terms of a filter of access records: within one, any of its values matches.")
class AccessTerms:
    """What a record may be found by."""

    cities: list[str] | None = strawberry.field(default=None, description="Asking or answering city.")
    applications: list[str] | None = None
    purposes: list[str] | None = None
    datasets: list[str] | None = strawberry.field(default=None, description="Global ids of datasets.")
    decisions: list[str] | None = strawberry.field(default=None, description="PERMIT, DENY, NONE.")
    rules: list[str] | None = strawberry.field(default=None, description="Ids of rules that decided.")
    roles: list[str] | None = strawberry.field(default=None, description="OWNER, CONSUMER.")
    states: list[str] | None = strawberry.field(default=None, description="States of answers, e.g. OK.")
    actions: list[str] | None = strawberry.field(default=None, description="caller:subject:action.")
    fields: list[str] | None = strawberry.field(default=None, description="Root fields.")
    kinds: list[str] | None = strawberry.field(
        default=None, description="ACCESS, SECURITY (what was refused), OPERATOR (acts at the command line)."
    )
    subjects: list[str] | None = strawberry.field(default=None, description="Pseudonyms of persons.")
    token_ids: list[str] | None = None
    trace_ids: list[str] | None = None


@strawberry.input(description="Which access records: all terms must match, and none of those in `not`.")
class AccessFilter(AccessTerms):
    """Filter of `accessLog`."""

    during: TimeInterval | None = None
    not_: AccessTerms | None = strawberry.field(default=None, name="not", description="None of these may match.")
