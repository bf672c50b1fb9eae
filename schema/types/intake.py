"""What sensors send, and what became of it."""

from __future__ import annotations

import strawberry

from schema.types.enums import Quality
from schema.types.scalars import DateTime


@strawberry.input(
    description="Observations of one datastream, as columns: the first time belongs to the first result and so on."
)
class ObservationSeriesInput:
    """Columns, since a batch has thousands of rows and few datastreams."""

    datastream: strawberry.ID = strawberry.field(description="Global id, e.g. giessen:datastream:zst-4711-kfz.")
    times: list[DateTime] = strawberry.field(
        description="phenomenonTime, or its start if the datastream's observations are intervals. With offset."
    )
    results: list[float | None] = strawberry.field(
        description="In the datastream's unit; null if the sensor gave no value."
    )
    quality: Quality = strawberry.field(default=Quality.RAW, description="Of all of them.")


@strawberry.type(description="An observation that was not stored. It is in the quarantine, for the city's stewards.")
class RefusedObservation:
    """With what to do about it."""

    datastream: strawberry.ID = strawberry.field(description="As it was sent.")
    time: DateTime | None = strawberry.field(description="Null if the whole series is refused.")
    reason: str = strawberry.field(description="A stable code, e.g. datastream.unknown.")
    message: str = strawberry.field(description="What is wrong, and what to do.")


@strawberry.type(description="What became of a batch. What was accepted is on the disk.")
class RecordedObservations:
    """Counts, and what was refused."""

    accepted: int = strawberry.field(
        description="Stored now: new ones, corrected ones, and those that were there already."
    )
    refused: list[RefusedObservation] = strawberry.field(description="The others, at most 100 of them.")
    refused_count: int = strawberry.field(description="How many were refused.")
