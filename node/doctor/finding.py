"""One row of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """FAILED: something does not work. WARNING: it works, but not for long or not well."""

    OK = "OK"
    WARNING = "WARNING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it. `passing`: it may be better in a moment by itself."""

    check: str
    state: State
    message: str
    remedy: str = ""
    passing: bool = False


def ok(check: str, message: str) -> Finding:
    """It holds."""
    return Finding(check, State.OK, message)


def warning(check: str, message: str, remedy: str) -> Finding:
    """It holds, but should be looked after."""
    return Finding(check, State.WARNING, message, remedy)


def failed(check: str, message: str, remedy: str, *, passing: bool = False) -> Finding:
    """It does not hold."""
    return Finding(check, State.FAILED, message, remedy, passing)
