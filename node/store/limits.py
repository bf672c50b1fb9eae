"""How much may be read at once."""

from __future__ import annotations

from dataclasses import dataclass

from schema.errors import BadInput


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Largest `first` of lists of observations, and of all others; largest answer in bytes."""

    observations: int = 10_000
    others: int = 1_000
    answer_bytes: int = 32_000_000

    def check(self, type_name: str, first: int) -> int:
        """`first`, if it is within the limits."""
        limit = self.observations if type_name == "Observation" else self.others
        if not 0 <= first <= limit:
            raise BadInput(f"first: {first} is not between 0 and {limit}", hint="ask for less and use `after`")
        return first
