"""This node and the members of the federation."""

from __future__ import annotations

import strawberry

from schema.types.city import City
from schema.types.scalars import DateTime


@strawberry.type(description="Bounds on requests to this node.")
class NodeLimits:
    """Sizes in bytes, times in milliseconds."""

    body_bytes: int
    intake_bytes: int = strawberry.field(description="`bodyBytes` for applications with the scope observations:write.")
    tokens: int
    depth: int
    aliases: int
    directives: int
    selections: int
    root_fields: int
    operations: int
    page: int = strawberry.field(description="Largest `first` of catalog lists.")
    observations_page: int = strawberry.field(description="Largest `first` of observations.")
    rows: int = strawberry.field(
        description="Largest number of rows that an operation may ask for, nested lists multiplied."
    )
    cost: int = strawberry.field(description="Largest cost of an operation; see the directive `@cost`.")
    answer_bytes: int
    request_ms: int
    peer_ms: int
    statement_ms: int
    subscriptions: int = strawberry.field(description="Subscriptions that a process of the node keeps.")
    subscriptions_per_caller: int = strawberry.field(
        description="Those of one application; or of all that come without a token."
    )


@strawberry.type(description="A purpose that tokens and agreements can name.")
class Purpose:
    """From the federation's vocabulary."""

    id: strawberry.ID
    description: str


@strawberry.type(description="This node.")
class Node:
    """The node that is asked."""

    city: City
    version: str = strawberry.field(description="Version of Verbund.")
    time: DateTime = strawberry.field(description="The node's clock, UTC.")
    limits: NodeLimits
    purposes: list[Purpose] = strawberry.field(description="The federation's vocabulary of purposes.")
