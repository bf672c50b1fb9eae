"""Compare two cities' logs: for each exchange, what one says it asked with what the other says it answered. Pure.

Only hashes cross: of the trace, of the owner's leaf, of the body that was asked with, of the value that was answered.
The city that asks sends nothing at all of its own records; it compares on its side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Answered(NamedTuple):
    """An owner's record of an exchange. All are SHA-256 in hex; `request` and `response` may be empty."""

    leaf: str
    trace: str
    request: str
    response: str


@dataclass(frozen=True, slots=True)
class Asked:
    """This city's record of an exchange, with the leaves that the owner's receipt names."""

    position: int | None
    trace_id: str
    trace: str
    request: str
    response: str
    leaves: tuple[str, ...]
    state: str


class Difference(NamedTuple):
    """What does not agree. `what` is ASK_WITHOUT_ANSWER, ANSWER_WITHOUT_ASK or DISAGREEMENT."""

    what: str
    subject: str
    detail: str


ASK_WITHOUT_ANSWER = "ASK_WITHOUT_ANSWER"
ANSWER_WITHOUT_ASK = "ANSWER_WITHOUT_ASK"
DISAGREEMENT = "DISAGREEMENT"


def compare(
    asked: Iterable[Asked], answered: Iterable[Answered], *, within: set[str] | None = None
) -> Iterator[Difference]:
    """The differences. `answered` may reach beyond the period; `within` has the leaves that belong to it."""
    by_leaf: dict[str, Answered] = {}
    by_trace: dict[str, list[Answered]] = defaultdict(list)
    for answer in answered:
        by_leaf[answer.leaf] = answer
        by_trace[answer.trace].append(answer)
    used: set[str] = set()
    for ask in asked:
        of_trace = by_trace.get(ask.trace, [])
        named = ask.leaves or tuple(one.leaf for one in of_trace if _is_of(one, ask))
        used |= {one.leaf for one in of_trace}  # what was asked twice in one exchange is known by its trace
        used |= set(ask.leaves)
        subject = f"trace {ask.trace_id}"
        missing = [leaf for leaf in named if leaf not in by_leaf]
        if missing:
            detail = f"the owner signed for leaf {missing[0]}, and its log does not have it"
            yield Difference(DISAGREEMENT, subject, detail)
        elif not named:
            yield Difference(ASK_WITHOUT_ANSWER, subject, f"state {ask.state}; the owner has no record of it")
        else:
            yield from _differences(subject, ask, [by_leaf[leaf] for leaf in named])
    for leaf in by_leaf:
        if leaf not in used and (within is None or leaf in within):
            detail = "the owner answered, and this city has no record of asking"
            yield Difference(ANSWER_WITHOUT_ASK, f"leaf {leaf}", detail)


def _is_of(answer: Answered, ask: Asked) -> bool:
    """Whether an answer under the same trace may be to this ask: to another body it is not."""
    return ask.request in {answer.request, ""} or not answer.request


def _differences(subject: str, ask: Asked, answers: list[Answered]) -> Iterator[Difference]:
    """An owner has the request's digest in each record of an exchange; that of the value only where it gave one."""
    requests, responses = {answer.request for answer in answers}, {answer.response for answer in answers} - {""}
    if ask.request and requests != {ask.request}:
        other = min(requests - {ask.request}) or "none"
        yield Difference(
            DISAGREEMENT, subject, f"the requests have different digests: {ask.request} here, {other} there"
        )
    if ask.response and responses and ask.response not in responses:
        detail = f"the responses have different digests: {ask.response} here, {min(responses)} there"
        yield Difference(DISAGREEMENT, subject, detail)
