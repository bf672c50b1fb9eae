"""A value cell with its status cell → result and quality."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from node.ingest.counts.mapping import COUNT_OBSERVATION, Mapping

NO_STATUS: Final = "\x00no status column"
NULL: Final = "\\N"
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_MAX_REMEMBERED = 200_000
_MAX_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Reading:
    """A result as COPY wants it (NULL if there is none) with its quality."""

    result: str
    quality: str


@dataclass(frozen=True, slots=True)
class CellFlaw:
    """Why a cell can't be used."""

    reason: str
    message: str


class CellReader:
    """Reads cells by the rules of a mapping and remembers them: few different ones fill most files."""

    def __init__(self, mapping: Mapping) -> None:
        self._qualities = mapping.status
        self._decimal = mapping.value.decimal
        self._maximum = mapping.value.maximum
        self._whole = mapping.observed_property.observation_type == COUNT_OBSERVATION
        self._known: dict[tuple[str, str], Reading | CellFlaw] = {}

    def read(self, value: str, status: str) -> Reading | CellFlaw:
        """`status` is NO_STATUS where the file has no status column for the channel."""
        found = self._known.get((value, status))
        if found is None:
            if len(value) + len(status) > _MAX_LENGTH:
                return CellFlaw("value.unreadable", "The cell is too long to be a count: correct the source.")
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            found = self._known[value, status] = self._interpret(value.strip(), status.strip())
        return found

    def _interpret(self, value: str, status: str) -> Reading | CellFlaw:
        if not value and status in {"", NO_STATUS}:
            return Reading(NULL, "MISSING")
        quality = "RAW" if status == NO_STATUS else self._qualities.get(status)
        if quality is None:
            return CellFlaw("status.unknown", f"Say in the mapping what it means: [status] {status!r} = …")
        if not value or quality == "MISSING":
            return Reading(NULL, "MISSING")
        number = value.replace(self._decimal, ".") if self._decimal != "." else value
        if not _NUMBER.fullmatch(number) or (self._decimal != "." and "." in value):
            return CellFlaw("value.unreadable", "Not a number in the notation of the mapping: correct the source.")
        return self._bound_check(float(number)) or Reading(number, quality)

    def _bound_check(self, number: float) -> CellFlaw | None:
        if number < 0:
            return CellFlaw("value.negative", "Nothing can be counted less than 0 times: correct the source.")
        if self._whole and not number.is_integer():
            return CellFlaw("value.fraction", "A count is a whole number: correct it, or observation_type.")
        if number > self._maximum:
            remedy = f"More than value.maximum = {self._maximum:g}: correct the source, or raise it."
            return CellFlaw("value.implausible", remedy)
        return None
