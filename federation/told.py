"""What a peer tells beside its rows: of itself, and of its page. It goes into answers and records, so it is bounded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from federation.errors import PeerIncompatible, PeerTimeout
from federation.report import CityReport, State

MAX_COUNT = 5_000_000  # more than any city has of anything that is counted; 400 cities of it still fit in an Int
MAX_SUGGESTIONS = 5
MAX_OBLIGATIONS = 100  # different ones, of all datasets that a page has rows of

Members = Mapping[str, msgspec.Raw]
"""A JSON object with its values still as bytes, by key."""

_Word = Annotated[str, msgspec.Meta(max_length=100, pattern="^[!-~]*$")]
_Sentence = Annotated[str, msgspec.Meta(max_length=200, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
_Suggestion = Annotated[str, msgspec.Meta(max_length=1_000)]


class _CityReport(msgspec.Struct):
    state: _Word | None = None
    asOf: datetime | None = None  # noqa: N815 - names of the API
    policyVersion: _Word | None = None  # noqa: N815
    obligations: Annotated[list[_Sentence], msgspec.Meta(max_length=MAX_OBLIGATIONS)] = []


class _Report(msgspec.Struct):
    cities: list[_CityReport] = []


class _PageInfo(msgspec.Struct):
    hasNextPage: bool = False  # noqa: N815


_Members: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ReportDecoder = msgspec.json.Decoder(_Report)
_InfoDecoder = msgspec.json.Decoder(_PageInfo)
_CountDecoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] | None)
_SuggestionsDecoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    Annotated[list[_Suggestion], msgspec.Meta(max_length=MAX_SUGGESTIONS)]
)


def members_of(answer: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of an answer, by response key. Raises PeerIncompatible."""
    members: dict[str, msgspec.Raw] = _read(_Members, answer, "answer")
    return members


def add_told(report: CityReport, federation: msgspec.Raw | None) -> CityReport:
    """The report with what the peer says of itself.

    Raises:
        PeerTimeout: it says that it could not read its data in time, whatever it gave.
        PeerIncompatible: it is not a report.
    """
    cities = _read(_ReportDecoder, federation, "report").cities if federation is not None else []
    if not cities:
        return report
    told = cities[0]
    if told.state == State.TIMEOUT:
        raise PeerTimeout("it could not read its data within its own time limit")
    if told.state not in {State.OK, State.SKIPPED, None}:
        reason = f"it says of its own data: {told.state}"
        report = replace(report, state=State.PARTIAL, reason="; ".join(filter(None, (report.reason, reason))))
    return replace(report, as_of=told.asOf, policy_version=told.policyVersion, obligations=tuple(told.obligations))


def read_has_next(info: msgspec.Raw) -> bool:
    """Whether the city has a next page. Raises PeerIncompatible."""
    found: _PageInfo = _read(_InfoDecoder, info, "page info")
    return found.hasNextPage


def read_count(count: bytes | msgspec.Raw) -> int | None:
    """A number of things, or None if it was not counted. Raises PeerIncompatible."""
    found: int | None = _read(_CountDecoder, count, "count")
    return found


def read_suggestions(suggestions: bytes | msgspec.Raw) -> list[str]:
    """Suggested texts. Raises PeerIncompatible."""
    found: list[str] = _read(_SuggestionsDecoder, suggestions, "list of suggestions")
    return found


def _read(decoder: msgspec.json.Decoder[Any], value: bytes | msgspec.Raw, what: str) -> Any:
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PeerIncompatible(f"its {what} is not in the form that was asked for, or too large") from error
