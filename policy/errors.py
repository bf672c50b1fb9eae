"""What can be wrong with a policy, an assessment, an agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Wrong(StrEnum):
    """What is wrong with a field, for machines and for pages in other languages than that of the messages."""

    EMPTY = "EMPTY"
    TOO_LONG = "TOO_LONG"
    UNKNOWN = "UNKNOWN"
    FORM = "FORM"
    TAKEN = "TAKEN"
    NOT_AFTER = "NOT_AFTER"
    OWN_CITY = "OWN_CITY"
    NOT_WITH_TIER = "NOT_WITH_TIER"
    CONSENT_MISSING = "CONSENT_MISSING"
    REVIEW_MISSING = "REVIEW_MISSING"
    MINIMUM_COUNT_MISSING = "MINIMUM_COUNT_MISSING"
    SAME_PERSON = "SAME_PERSON"
    NOT_NEWEST = "NOT_NEWEST"
    DONE_ALREADY = "DONE_ALREADY"
    CHANGED_SINCE = "CHANGED_SINCE"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A field that is wrong; the text says what is, and the remedy."""

    field: str
    wrong: Wrong
    text: str

    def __str__(self) -> str:
        """As a message has it."""
        return f"{self.field}: {self.text}"


class PolicyError(Exception):
    """A policy text can't be used; the message names the file, the line or the rule, and the reason.

    `flaws`: field by field, if it was fields that were checked.
    """

    def __init__(self, message: str, flaws: Sequence[Flaw] = ()) -> None:
        super().__init__(message)
        self.flaws = tuple(flaws)
