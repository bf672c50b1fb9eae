"""What the schema needs from a node. A node fills these ports; the schema knows no other way to data."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from graphql import GraphQLError

from policy.model import Caller
from schema.prepared import Prepared
from schema.selection import Field
from schema.types import governance as api
from schema.types.audit_totals import AccessGroup, AccessTotal
from schema.types.city import City
from schema.types.directory import Node
from schema.types.explain import Explanation, HypotheticalCaller
from schema.types.intake import ObservationSeriesInput, RecordedObservations


class Gate(Protocol):
    """The one road to data."""

    async def read(self, request: Request, field: Field) -> Prepared | None:
        """Answer one root field: decide, read or ask the owners, record, answer.

        None means null. Raises `schema.errors.RequestError`.
        """
        ...

    def follow(self, request: Request, field: Field, standing: Standing) -> AsyncGenerator[Prepared]:
        """Answer one root field of a subscription again and again: each batch is recorded before it is given out.

        Raises `schema.errors.RequestError`, at the beginning or when it has to end.
        """
        ...


class Standing(Protocol):
    """Whether a caller still is one, for answers that go on."""

    async def check(self) -> float:
        """How many seconds it may be until the next check. Raises `schema.errors.Ended`."""
        ...


class Intake(Protocol):
    """The road in for observations."""

    async def record(self, request: Request, series: Sequence[ObservationSeriesInput]) -> RecordedObservations:
        """Store a batch; what is accepted is on the disk when this returns. Raises `schema.errors.RequestError`."""
        ...


class Directory(Protocol):
    """Who is in the federation."""

    def node(self) -> Node:
        """This node."""
        ...

    def cities(self) -> list[City]:
        """All members."""
        ...


class Pending(Protocol):
    """A proof of the caller that counts once, and does so before the request is answered."""

    use: Any

    async def spend(self) -> None:
        """Use it up now, unless that was done. Raises Unauthenticated or Unavailable."""
        ...


@dataclass(slots=True)
class Evidence:
    """What the gate did for a request, for the receipt of its answer.

    `request`: SHA-256 of the body. `entries`: the access records, as the log names them. `obligations`: as the
    federation report tells them.
    """

    request: bytes | None = None
    entries: list[str] = field(default_factory=list)
    policy_version: str = ""
    obligations: dict[str, None] = field(default_factory=dict)


class Request(msgspec.Struct, frozen=True):
    """One GraphQL request: who asks, what document, until when (event-loop clock, seconds), under which trace.

    `evidence` is collected if the answer gets a receipt. `pending` is used up with the first records of this city's own
    data, and before anything else is done that can't be taken back.
    """

    caller: Caller
    document: str
    deadline: float
    trace_id: str
    traceparent: str
    evidence: Evidence | None = None
    pending: Pending | None = None

    async def confirmed(self) -> None:
        """Return once the caller is beyond doubt. Raises Unauthenticated or Unavailable."""
        if self.pending is not None:
            await self.pending.spend()


class Result(msgspec.Struct, frozen=True):
    """The answer to one operation.

    `data` is JSON text; None if execution never began. `cost` is what `extensions.cost` says.
    """

    data: bytes | None
    errors: Sequence[GraphQLError] = ()
    cost: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What a document asks: the fields that the gate answers, as root fields, and what `extensions.cost` would say.

    `question` is the document as it came: `document`, `variables`, `operation`.
    """

    fields: Sequence[Field]
    cost: Mapping[str, int]
    question: Mapping[str, Any]


class Planner(Protocol):
    """Says what a document asks, without asking it."""

    def __call__(self, document: str, variables: Mapping[str, Any] | None, operation_name: str | None) -> Planned:
        """Raises BadInput if the document can't be executed."""
        ...


class Explainer(Protocol):
    """Explains decisions."""

    async def explain(
        self, request: Request, planned: Planned, purpose: str | None, as_: HypotheticalCaller | None
    ) -> Explanation:
        """What a document would do. Raises `schema.errors.RequestError`."""
        ...


class Governance(Protocol):
    """What stewards do; every method checks the scope, records, and raises `schema.errors.RequestError`."""

    async def worklist(self, request: Request, dataset: str | None, *, everything: bool) -> list[api.WorklistItem]:
        """Datasets about which something is to be done; all of them, or one."""
        ...

    async def assessments(self, request: Request, dataset: str) -> list[api.AssessmentVersion]:
        """All versions, newest first."""
        ...

    async def agreements(self, request: Request) -> list[api.Agreement]:
        """All agreements, newest first."""
        ...

    async def assess(self, request: Request, told: api.AssessmentInput) -> api.AssessmentVersion:
        """Write a new version."""
        ...

    async def sign_off(self, request: Request, dataset: str, version: int) -> api.AssessmentVersion:
        """Put the newest version into force."""
        ...

    async def withdraw(self, request: Request, dataset: str, reason: str) -> bool:
        """Take a dataset back."""
        ...

    async def offer(self, request: Request, told: api.OfferInput) -> api.Agreement:
        """Offer and deliver."""
        ...

    async def accept(self, request: Request, id_: str, version: int | None) -> api.Agreement:
        """Accept and deliver; None: the newest version."""
        ...

    async def revoke(self, request: Request, id_: str, version: int | None) -> api.Agreement:
        """Revoke and deliver; None: all versions."""
        ...


class Auditing(Protocol):
    """What auditors sum up; checks the scope and records."""

    async def totals(self, request: Request, matching: str, by: Sequence[AccessGroup], first: int) -> list[AccessTotal]:
        """Sums over access records, the largest groups first. Raises `schema.errors.RequestError`."""
        ...


@dataclass(frozen=True, slots=True)
class Stewardship:
    """What is not data: explanations, what stewards decide, and what auditors sum up."""

    explainer: Explainer
    governance: Governance
    auditing: Auditing


class Context(msgspec.Struct, frozen=True):
    """What a resolver gets. `in_parts`: what the document defers may come later than the rest.

    The executor adds `planner`, and `series` where it has decoded them itself.
    """

    request: Request
    gate: Gate
    directory: Directory
    in_parts: bool = False
    stewardship: Stewardship | None = None
    planner: Planner | None = None
    intake: Intake | None = None
    series: Sequence[ObservationSeriesInput] | None = None
