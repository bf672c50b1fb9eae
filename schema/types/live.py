"""Observations as they arrive."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema.types.paging import FederationReport
from schema.types.sensors import Observation

Datastreams = Annotated[
    list[strawberry.ID],
    strawberry.argument(description="1 to 100 global ids, e.g. giessen:datastream:zst-4711-kfz."),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="`cursor` of an earlier batch, from any node: what has arrived since then comes first. Without it:"
        " what arrives from now on."
    ),
]


@strawberry.type(
    description="Observations that have arrived: new ones, and those whose result, end or quality was corrected. At"
    " most 1000, in the order of their time; batches are in the order of arrival."
)
class ObservationBatch:
    """What came since the cursor before."""

    nodes: list[Observation] = strawberry.field(description="Empty if a city went away or came back, or has nothing.")
    cursor: str = strawberry.field(description="Keep it once the batch is dealt with, and go on from it after a break.")
    missed: bool = strawberry.field(
        description="True if `after` is older than 48 hours, which is how long arrivals are kept: read what lies"
        " between with the query `observations`."
    )
    federation: FederationReport = strawberry.field(
        description="How each city stands: OK, away (UNREACHABLE, TIMEOUT, INCOMPATIBLE: it is asked again, and nothing"
        " is lost), or DENIED: it gives no more. `rows` are those of this batch."
    )
