"""What the schema needs from a node. A node fills these ports; the schema knows no other way to data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from graphql import GraphQLError

from policy.model import Caller
from schema.prepared import Prepared
from schema.selection import Field
from schema.types.city import City
from schema.types.directory import Node


class Gate(Protocol):
    """The one road to data."""

    async def read(self, request: Request, field: Field) -> Prepared | None:
        """Answer one root field: decide, read or ask the owners, record, answer.

        None means null. Raises `schema.errors.RequestError`.
        """
        ...


class Directory(Protocol):
    """Who is in the federation."""

    def node(self) -> Node:
        """This node."""
        ...

    def cities(self) -> list[City]:
        """All members."""
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


@dataclass(frozen=True, slots=True)
class Request:
    """One GraphQL request: who asks, what document, until when (event-loop clock, seconds), under which trace.

    `evidence` is collected if the answer gets a receipt.
    """

    caller: Caller
    document: str
    deadline: float
    trace_id: str
    traceparent: str
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one operation.

    `data` is JSON text; None if execution never began. `cost` is what `extensions.cost` says.
    """

    data: bytes | None
    errors: Sequence[GraphQLError] = ()
    cost: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a resolver gets. `in_parts`: what the document defers may come later than the rest."""

    request: Request
    gate: Gate
    directory: Directory
    in_parts: bool = False
