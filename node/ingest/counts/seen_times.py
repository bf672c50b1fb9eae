"""Finds times that stand in a file twice, in bounded memory."""

from __future__ import annotations

MAX_TIMES = 200_000


class SeenTimes:
    """The times of one file so far. Times must be text that sorts like the time (ISO 8601 in UTC).

    A file in rising order may have any length; one that is not is followed up to `limit` times.
    """

    def __init__(self, limit: int = MAX_TIMES) -> None:
        self._limit = limit
        self._all: set[str] | None = set()
        self._first = ""
        self._recent = ""
        self._highest = ""

    def refuse(self, time: str) -> str | None:
        """None for a new time, which is then remembered; else the reason why it can't be used."""
        self._first = self._first or time
        self._recent = time
        if time > self._highest:
            self._highest = time
        elif self._all is None:
            return "time.duplicate" if time == self._highest else "time.unordered"
        elif time in self._all:
            return "time.duplicate"
        if self._all is not None:
            self._all.add(time)
            if len(self._all) > self._limit:
                self._all = None
        return None

    @property
    def descending(self) -> bool:
        """True if the file runs backwards in time."""
        return self._recent < self._first
