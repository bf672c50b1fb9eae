"""What an import found: flaws, counts and the exit code."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

VALUE_LENGTH = 500
LOCATION_LENGTH = 300
FIELD_LENGTH = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_QUARANTINED = 3

Progress = Callable[[int, int], None]
"""Called with the amount done and the total, both in the same unit (bytes or datasets)."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that could not be imported. `reason` is a stable code; `message` says what to do."""

    location: str
    field: str
    value: str
    reason: str
    message: str

    def bounded(self) -> Flaw:
        """As the quarantine keeps it: short enough for its index, harmless for PostgreSQL (NUL) and a terminal."""
        return Flaw(
            _bounded(self.location, LOCATION_LENGTH),
            _bounded(self.field, FIELD_LENGTH),
            _bounded(self.value, VALUE_LENGTH),
            self.reason,
            _bounded(self.message, VALUE_LENGTH),
        )


def _bounded(text: str, length: int) -> str:
    """At most `length` characters; two texts that differ late still differ."""
    text = _CONTROL.sub("\ufffd", text.encode("utf-8", "replace").decode())
    if len(text) <= length:
        return text
    return f"{text[: length - 12]}… {hashlib.sha256(text.encode()).hexdigest()[:10]}"


@dataclass(slots=True)
class Report:
    """The outcome of one run.

    `read`, `written`, `unchanged` and `rejected` count datasets (DCAT) or observations (counts) and
    `read == written + unchanged + rejected`. `quarantined` counts entries of the quarantine by reason: a dataset that
    was written may have flawed fields there, and one broken row there may have cost several observations.
    """

    kind: str
    source: str
    run_id: int = 0
    read: int = 0
    written: int = 0
    unchanged: int = 0
    rejected: int = 0
    ambiguous: int = 0
    files_read: int = 0
    files_unchanged: int = 0
    distributions: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    _started: float = field(default_factory=time.monotonic, repr=False)

    def finish(self) -> None:
        """Stop the clock."""
        self.seconds = time.monotonic() - self._started

    @property
    def rate(self) -> float:
        """What was read, per second."""
        return self.read / self.seconds if self.seconds else 0.0

    @property
    def exit_code(self) -> int:
        """0 if everything was imported, 3 if something went to the quarantine."""
        return EXIT_QUARANTINED if self.quarantined else EXIT_OK
