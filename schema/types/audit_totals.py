"""Sums over access records, for auditors."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(description="What access records are summed up by.")
class AccessGroup(Enum):
    """The values are the names of `verbund audit stats --by`."""

    ACTION = "action"
    APPLICATION = "application"
    CITY = "city"
    COUNTERPART = "counterpart"
    DATASET = "dataset"
    DAY = "day"
    DECISION = "decision"
    FIELD = "field"
    MONTH = "month"
    PURPOSE = "purpose"
    ROLE = "role"
    RULE = "rule"
    STATE = "state"


@strawberry.type(
    description="One group of access records. A field by which they are not grouped is null, and so is one that they"
    " don't have, such as the application of anonymous callers."
)
class AccessTotal:
    """A row of the sums."""

    action: str | None = strawberry.field(default=None, description="caller:subject:action.")
    application: str | None = None
    city: str | None = strawberry.field(default=None, description="The asking city; where this city asked, the asked.")
    counterpart: str | None = strawberry.field(default=None, description="The other city, if one is involved.")
    dataset: strawberry.ID | None = strawberry.field(
        default=None, description="A record of several datasets counts for each of them."
    )
    day: str | None = strawberry.field(default=None, description="UTC, e.g. 2026-11-26.")
    decision: str | None = strawberry.field(default=None, description="PERMIT, DENY, NONE.")
    field: str | None = strawberry.field(default=None, description="Root field.")
    month: str | None = strawberry.field(default=None, description="UTC, e.g. 2026-11.")
    purpose: str | None = None
    role: str | None = strawberry.field(default=None, description="OWNER, CONSUMER.")
    rule: str | None = strawberry.field(default=None, description="A record of several rules counts for each of them.")
    state: str | None = strawberry.field(default=None, description="State of the answers.")
    requests: float = strawberry.field(default=0, description="Access records; a whole number.")
    rows: float = strawberry.field(default=0, description="Rows that left; a whole number.")
    bytes: float = strawberry.field(default=0, description="Bytes of the answers; a whole number.")
