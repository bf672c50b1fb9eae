"""The federation report: what each city contributed, told in every answer that can span cities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import orjson

from schema.selection import TYPENAME, Field


class State(StrEnum):
    """How a city took part; the values are those of the API's `CityState`."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    DENIED = "DENIED"
    TIMEOUT = "TIMEOUT"
    UNREACHABLE = "UNREACHABLE"
    TOO_COSTLY = "TOO_COSTLY"
    INCOMPATIBLE = "INCOMPATIBLE"
    SKIPPED = "SKIPPED"


class CityReport(msgspec.Struct, frozen=True):
    """One city's row of the report. A struct, since hundreds are changed for an answer (`msgspec.structs.replace`).

    Kept for the record and not told: `receipt`, what the city signed about its answer; `request` and `response`, the
    SHA-256 of the body that it was asked with and of the value that it answered with.
    """

    city: str
    state: State
    rows: int = 0
    late: int = 0
    took_ms: float = 0.0
    as_of: datetime | None = None
    policy_version: str | None = None
    obligations: tuple[str, ...] = ()
    reason: str | None = None
    receipt: str | None = None
    request: bytes | None = None
    response: bytes | None = None
    log: str = "UNKNOWN"

    @property
    def is_complete(self) -> bool:
        """True if nothing of this city can be missing from the answer."""
        return self.state in {State.OK, State.SKIPPED}


def too_slow(city: str) -> CityReport:
    """The report of a city that had no answer in time."""
    return CityReport(city, State.TIMEOUT, reason="it did not answer within its deadline")


def is_complete(reports: Iterable[CityReport]) -> bool:
    """True if every city that could have a match answered in full."""
    return all(report.is_complete for report in reports)


def report_json(selected: Field, reports: Sequence[CityReport]) -> bytes:
    """The selected part of the report as JSON."""
    ordered = sorted(reports, key=lambda report: report.city)
    answer: dict[str, Any] = {}
    for child in selected.children:
        if child.name == "complete":
            answer[child.key] = is_complete(reports)
        elif child.name == "cities":
            answer[child.key] = [_row(child, report) for report in ordered]
        elif child.name == TYPENAME:
            answer[child.key] = selected.type_name
    return orjson.dumps(answer)


def _row(selected: Field, report: CityReport) -> dict[str, Any]:
    values = {
        "city": report.city,
        "state": report.state.value,
        "asOf": report.as_of.isoformat() if report.as_of else None,
        "rows": report.rows,
        "late": report.late,
        "tookMs": round(report.took_ms, 2),
        "policyVersion": report.policy_version,
        "obligations": list(report.obligations),
        "reason": report.reason,
        "log": report.log,
        TYPENAME: selected.type_name,
    }
    return {child.key: values[child.name] for child in selected.children}
