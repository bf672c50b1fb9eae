"""Subscriptions: answers that go on. `schema.execution` hands them to the gate, past the resolver."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import strawberry

from schema.types.live import After, Datastreams, ObservationBatch


@strawberry.type(description="What is told as it happens, over WebSocket (graphql-transport-ws) or server-sent events.")
class Subscription:
    """The subscription type."""

    @strawberry.subscription(
        description="Observations of these datastreams as they arrive at their cities, in batches. The first batch"
        " comes at once, with the cursor to go on from. When a city goes away, comes back, or gives no more, a batch"
        " without observations tells. A city whose data the caller may not see any more ends; with the last one the"
        " subscription does. Observations that were made more than 7 days before they arrive are not told. Access: as"
        " the query `observations`; obligations make data late, never more. Ends with the token: take a new one and go"
        " on from the last cursor."
    )
    def observations(self, datastreams: Datastreams, after: After = None) -> AsyncGenerator[ObservationBatch]:
        """The gate's."""
        raise NotImplementedError
