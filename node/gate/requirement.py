"""What a caller requires of an answer: from how many cities, and until when. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace as changed

from federation.report import CityReport, is_complete
from schema.errors import BadInput, Incomplete
from schema.ports import Request
from schema.selection import Field

ALL = "ALL"
QUORUM = "QUORUM"


def check_requirement(field: Field) -> None:
    """Refuse arguments that contradict each other, before anybody is asked. Raises BadInput."""
    required, quorum = field.arguments.get("require"), field.arguments.get("quorum")
    if required == QUORUM and quorum is None:
        raise BadInput("quorum: is missing, and require is QUORUM", hint="tell how many cities must answer")
    if required != QUORUM and quorum is not None:
        raise BadInput(f"quorum: {quorum} has no meaning with require: {required}", hint="say require: QUORUM")
    if quorum is not None and quorum < 1:
        raise BadInput(f"quorum: {quorum} is not above 0", hint="tell how many cities must answer")
    wait = field.arguments.get("deadlineMs")
    if wait is not None and wait < 1:
        raise BadInput(f"deadlineMs: {wait} is not above 0", hint="tell how many milliseconds you wait for cities")


def within_deadline(request: Request, field: Field, clock: Callable[[], float]) -> Request:
    """The request with the caller's deadline, if that comes before the node's. `clock`: the event loop's, seconds."""
    wait = field.arguments.get("deadlineMs")
    if wait is None:
        return request
    return changed(request, deadline=min(request.deadline, clock() + wait / 1000))


def require(field: Field, reports: Sequence[CityReport]) -> None:
    """Refuse an answer with more gaps than the caller accepts.

    Raises:
        Incomplete: naming each city that is missing, and why.
    """
    required = field.arguments.get("require")
    if required == ALL and not is_complete(reports):
        raise Incomplete(f"{field.key}: not every city answered: {_missing(reports)}")
    if required == QUORUM:
        answered = sum(report.is_complete for report in reports)
        quorum = field.arguments["quorum"]
        if answered < quorum:
            missing = _missing(reports) or f"only {len(reports)} were asked"
            raise Incomplete(f"{field.key}: {answered} of {quorum} required cities answered: {missing}")


def _missing(reports: Sequence[CityReport]) -> str:
    return ", ".join(f"{r.city} ({r.state.value}: {r.reason})" for r in reports if not r.is_complete)
