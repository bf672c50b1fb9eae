"""Stored operations, and how pages ask them: as the gate's client, by the executor that /graphql has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from graphql import FieldNode, OperationDefinitionNode, parse

from node.http.problem import fields_entry
from node.telemetry.requests import Telemetry
from policy.model import ANONYMOUS, Caller
from schema.errors import BadInput, Unavailable
from schema.execution import Executor
from schema.ports import Context, Directory, Gate, Request, Stewardship

OPERATIONS = Path(__file__).parent / "operations"


class NotAnswered(Exception):
    """The node itself can't answer now; pages say so with status 503."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stored operation gave: data as in GraphQL, errors as code and message, the trace of its records."""

    operation: str
    variables: Mapping[str, Any]
    data: Mapping[str, Any]
    errors: list[dict[str, Any]]
    trace_id: str

    @property
    def flaws(self) -> dict[str, dict[str, str]]:
        """What is wrong with fields of a form, by name."""
        return {flaw["name"]: flaw for error in self.errors for flaw in error["fields"]}

    @property
    def codes(self) -> set[str]:
        """The codes of the errors."""
        return {error["code"] for error in self.errors}

    def twin(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "operation": self.operation,
            "variables": self.variables,
            "data": self.data,
            "errors": self.errors,
            "traceId": self.trace_id,
        }


@cache
def operation(name: str) -> str:
    """The text of a stored operation."""
    return (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")


@cache
def _nothing(text: str) -> Mapping[str, None]:
    """What an operation gives that gives nothing, for pages to show what is wrong."""
    operations = [one for one in parse(text).definitions if isinstance(one, OperationDefinitionNode)]
    fields = [one for operation in operations for one in operation.selection_set.selections]
    return {one.name.value: None for one in fields if isinstance(one, FieldNode)}


class Asker:
    """Asks stored operations for pages. `deadline_ms` is how long a page waits for the cities."""

    def __init__(
        self,
        executor: Executor,
        gate: Gate,
        directory: Directory,
        telemetry: Telemetry,
        deadline_ms: int,
        stewardship: Stewardship,
    ) -> None:
        self._executor = executor
        self._gate = gate
        self._directory = directory
        self._telemetry = telemetry
        self._stewardship = stewardship
        self._deadline_s = deadline_ms / 1000

    async def ask(self, name: str, caller: Caller = ANONYMOUS, **variables: Any) -> Answer:
        """Ask the operation.

        Raises:
            NotAnswered: the node is out of service.
        """
        text = operation(name)
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        with self._telemetry.request(f"page {name}", {}) as trace:
            request = Request(caller, text, deadline, trace.trace_id, trace.traceparent)
            context = Context(request, self._gate, self._directory, stewardship=self._stewardship)
            result = await self._executor.execute(text, variables, None, context)
        if any(isinstance(error.original_error, Unavailable) for error in result.errors):
            raise NotAnswered(trace.trace_id)
        errors = [_told(error) for error in result.errors]
        data = orjson.loads(result.data) if result.data is not None else None
        return Answer(text, variables, data or _nothing(text), errors, trace.trace_id)


def _told(error: Any) -> dict[str, Any]:
    original = error.original_error
    fields = [fields_entry(flaw) for flaw in original.flaws] if isinstance(original, BadInput) else []
    code = getattr(original, "code", None) or (error.extensions or {}).get("code", "INTERNAL")
    message = str(error.message) if code != "INTERNAL" else "an internal error occurred"
    return {"code": code, "message": message, "city": getattr(original, "city", None), "fields": fields}
