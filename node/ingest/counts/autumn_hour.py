"""The hour in autumn that the clocks show twice: which of the two a row means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from node.ingest.counts.local_time import Ambiguous

Policy = Literal["first", "second", "quarantine"]


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row whose local time is ambiguous, with its line number."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class ResolvedRow:
    """A held row with its stamp; `certain` is False if the mapping's policy had to decide. No stamp: quarantine it."""

    row: HeldRow
    stamp: str | None
    certain: bool


@dataclass(slots=True)
class AutumnHour:
    """Holds a file's ambiguous rows until the file's end tells how often each local time occurs."""

    _held: dict[Ambiguous, list[HeldRow]] = field(default_factory=dict)

    def hold(self, time: Ambiguous, row: HeldRow) -> bool:
        """Keep the row; False if the local time stands in the file for the third time."""
        rows = self._held.setdefault(time, [])
        if len(rows) == 2:
            return False
        rows.append(row)
        return True

    def resolve(self, policy: Policy, *, descending: bool) -> list[ResolvedRow]:
        """All held rows with their times.

        A local time that occurs twice is summer time first and winter time after, or the other way round in a file
        that runs backwards. One that occurs once says nothing of itself: `policy` decides and the row is not certain.
        """
        resolved = []
        for time, rows in self._held.items():
            if len(rows) == 2:
                stamps = (time.second, time.first) if descending else (time.first, time.second)
                resolved += [ResolvedRow(row, stamp, certain=True) for row, stamp in zip(rows, stamps, strict=True)]
            else:
                stamp = {"first": time.first, "second": time.second, "quarantine": None}[policy]
                resolved.append(ResolvedRow(rows[0], stamp, certain=False))
        return resolved
