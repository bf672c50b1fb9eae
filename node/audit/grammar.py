"""The auditor's filter: `city:giessen decision:deny -purpose:research after:2026-11-01`, as in GitHub's audit log.

Terms with different names must all match; of several with the same name, one; of those with a minus before them, none.
A value with spaces stands in quotation marks. Times are UTC; `after` includes its time, `before` does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from node.audit.record import CONSUMER, DENY, NONE, OWNER, PERMIT

NAMES = {
    "action": "actions",
    "application": "applications",
    "city": "cities",
    "dataset": "datasets",
    "decision": "decisions",
    "field": "fields",
    "kind": "kinds",
    "purpose": "purposes",
    "role": "roles",
    "rule": "rules",
    "state": "states",
    "subject": "subjects",
    "token": "tokenIds",
    "trace": "traceIds",
}
WORDS = {
    "decision": (PERMIT, DENY, NONE),
    "kind": ("ACCESS", "SECURITY", "OPERATOR"),
    "role": (OWNER, CONSUMER),
}  # a misspelt one would find nothing, and an auditor would take that for an answer
IN_CAPITALS = frozenset({*WORDS, "state"})
TIMES = ("after", "before")
MAX_LENGTH = 2_000
MAX_TERMS = 50

_TERM = re.compile(r'(?P<minus>-?)(?P<name>[a-z]+):(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))(?=\s|$)')
_PERSONAL = re.compile(r"\b(subject|token):(?:\"[^\"]*\"|\S+)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?")
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)  # months and days after it can still be counted


class FilterError(ValueError):
    """The filter can't be read. `reason` says where and why, and what is possible."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records. The names are those of `AccessFilter`; `after` is inclusive, `before` exclusive."""

    terms: dict[str, list[str]] = field(default_factory=dict)
    without: dict[str, list[str]] = field(default_factory=dict)
    after: datetime | None = None
    before: datetime | None = None

    @property
    def is_period(self) -> bool:
        """True if nothing but times is asked for."""
        return not self.terms and not self.without

    def as_argument(self) -> dict[str, Any]:
        """The same as a value of `AccessFilter`."""
        argument: dict[str, Any] = dict(self.terms)
        if self.without:
            argument["not"] = self.without
        if self.after is not None or self.before is not None:
            start, end = self.after or EARLIEST, self.before or LATEST
            argument["during"] = {"start": start.isoformat(), "end": end.isoformat()}
        return argument


def read_filter(text: str) -> Filter:
    """Read a filter.

    Raises:
        FilterError: it is malformed, or names something that records don't have.
    """
    if len(text) > MAX_LENGTH or "\x00" in text:
        raise FilterError(f"the filter is longer than {MAX_LENGTH} characters, or has a NUL")
    found = Filter()
    times: dict[str, datetime] = {}
    position, count = 0, 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match, count = _TERM.match(text, position), count + 1
        if match is None or count > MAX_TERMS:
            raise FilterError(
                f"at letter {position + 1}: {text[position : position + 20]!r} is not a term like city:giessen"
            )
        name, value = match["name"], match["plain"] or match["quoted"] or ""
        if name in TIMES:
            if match["minus"] or name in times:
                raise FilterError(f"{name}: can be there once, and without a minus")
            times[name] = _time(name, value)
        else:
            _add(found.without if match["minus"] else found.terms, name, value)
        position = match.end()
    after, before = times.get("after"), times.get("before")
    if after is not None and before is not None and after >= before:
        raise FilterError("after: is not before the time of `before`")
    return Filter(found.terms, found.without, after, before)


def check_argument(argument: Mapping[str, Any]) -> None:
    """Whether a value of `AccessFilter` has words that there are. Raises FilterError."""
    for name, words in WORDS.items():
        for value in argument.get(NAMES[name]) or ():
            if value not in words:
                raise FilterError(f"{NAMES[name]}: {value[:40]!r} is none; there are {', '.join(words)}")
    if (without := argument.get("not")) is not None:
        check_argument(without)


def without_persons(text: str) -> str:
    """The filter's text, without the pseudonyms and tokens that it names."""
    return _PERSONAL.sub(r"\1:…", text)


def _add(terms: dict[str, list[str]], name: str, value: str) -> None:
    if name not in NAMES:
        raise FilterError(f"{name}: is not something to filter by; there are {', '.join([*NAMES, *TIMES])}")
    meant = value.upper() if name in IN_CAPITALS else value
    if meant not in WORDS.get(name, (meant,)):
        raise FilterError(f"{name}: {value[:40]!r} is none; there are {', '.join(WORDS[name]).lower()}")
    terms.setdefault(NAMES[name], []).append(meant)


def _time(name: str, value: str) -> datetime:
    try:
        if not _TIME.fullmatch(value):
            raise ValueError(value)  # noqa: TRY301 - Python reads more than what is written down here
        time = datetime.fromisoformat(value)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if not EARLIEST <= time <= LATEST:
            raise ValueError(value)  # noqa: TRY301 - as above
        return time  # noqa: TRY300
    except (ValueError, OverflowError):
        raise FilterError(f"{name}: {value[:40]!r} is not a time like 2026-11-01 or 2026-11-01T12:00:00Z") from None
