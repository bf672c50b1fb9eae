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
    subject: str | None = strawberry.field(description="Pseudonym of the person; null if none, or erased.")
    purpose: str | None
    legal_basis: str | None = strawberry.field(description="As the token names it.")
    token_id: str | None = strawberry.field(description="jti of the access token; null once it is erased.")
    action: str = strawberry.field(description="caller:subject:action, e.g. peer:observation:read.")
    field: str = strawberry.field(description="Root field of the query.")
    fields: list[str] = strawberry.field(description="Paths of the selected fields below it.")
    operation: str = strawberry.field(description="SHA-256 of the normalised document, hexadecimal.")
    document: str | None = strawberry.field(
        description="The document, without layout and comments; variables are not kept. Null if it was too long."
    )
    datasets: list[strawberry.ID] = strawberry.field(description="Datasets whose rows left, or that were denied.")
    decision: str = strawberry.field(description="PERMIT, DENY, or NONE where the owner decides.")
    rules: list[str] = strawberry.field(description="The rules that decided; empty for the default deny.")
    policy_version: str
    obligations: list[str] = strawberry.field(description="What was done to the data before it left.")
    state: str = strawberry.field(description="State of the answer, as in the federation report.")
    positions: str | None = strawberry.field(
        description="Leaves whose records an operator erased, or their personal parts, e.g. 5-9,12-12."
    )
    rows: int
    bytes: int = strawberry.field(description="Bytes of the answer.")
    took_ms: float = strawberry.field(description="Milliseconds.")
    request_digest: str | None = strawberry.field(
        description="SHA-256 of the body that one city sent to the other, hexadecimal; null if no other was involved."
    )
    response_digest: str | None = strawberry.field(
        description="SHA-256 of the value of the root field in the owner's answer, hexadecimal."
    )
    receipt: str | None = strawberry.field(description="What the owner signed about its answer: a compact JWS.")
    position: int | None = strawberry.field(description="The record's leaf in the tree; null until it is sequenced.")
    leaf: str = strawberry.field(description="Hash of the leaf (RFC 9162 §2.1.1), hexadecimal.")


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
