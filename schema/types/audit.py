"""Access records, for auditors."""

from __future__ import annotations

import strawberry

from schema.types.paging import PageInfo
from schema.types.scalars import DateTime


@strawberry.type(description="Who asked for what, what was decided and by which rule. Never contains data or tokens.")
class AccessRecord:
    """A row of the access log."""

    id: strawberry.ID
    at: DateTime = strawberry.field(description="When the record was written, UTC.")
    trace_id: str = strawberry.field(description="Joins the records of one request at all cities.")
    role: str = strawberry.field(
        description="OWNER: this city's data was asked for. CONSUMER: this city asked another."
    )
    counterpart: str | None = strawberry.field(description="The other city, if one is involved.")
    caller_city: str | None = strawberry.field(description="City that vouches for the application; null if anonymous.")
    application: str | None
    purpose: str | None
    token_id: str | None = strawberry.field(description="jti of the access token.")
    action: str = strawberry.field(description="caller:subject:action, e.g. peer:observation:read.")
    field: str = strawberry.field(description="Root field of the query.")
    operation: str = strawberry.field(description="SHA-256 of the document, hexadecimal.")
    document: str = strawberry.field(description="The document; variables are not kept.")
    datasets: list[strawberry.ID] = strawberry.field(description="Datasets whose rows left, or that were denied.")
    decision: str = strawberry.field(description="PERMIT, DENY, or NONE where the owner decides.")
    rules: list[str] = strawberry.field(description="The rules that decided; empty for the default deny.")
    policy_version: str
    state: str = strawberry.field(description="State of the answer, as in the federation report.")
    rows: int
    bytes: int = strawberry.field(description="Bytes of the answer.")
    took_ms: float = strawberry.field(description="Milliseconds.")


@strawberry.type(description="An access record and its place in the list.")
class AccessRecordEdge:
    """Relay edge."""

    cursor: str
    node: AccessRecord


@strawberry.type(description="A page of access records, newest first.")
class AccessRecordConnection:
    """Relay connection."""

    edges: list[AccessRecordEdge]
    nodes: list[AccessRecord] = strawberry.field(description="The nodes without their cursors.")
    page_info: PageInfo
