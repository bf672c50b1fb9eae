"""Compare this city's log with another's: ask it what it answered, and lay that beside what this city asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from federation.membership import Member, Membership
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from node.audit.exchanges import fetch_answered, read_asked
from node.audit.reconcile import Answered, Asked, Difference, compare
from node.store.connections import connect

STATEMENT_MS = 60_000
MARGIN = timedelta(minutes=2)  # both cities' clocks, and the time that an exchange takes


class NoSuchCity(ValueError):
    """It is not another active member."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it: how many exchanges each side has, and where they differ."""

    asked: int
    answered: int
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class OtherSide:
    """One exchange as the owner's log has it, and what does not agree."""

    answered: list[Answered]
    differences: list[Difference]


class Reconciler:
    """Asks other members for their side."""

    def __init__(
        self, own_city: str, membership: Callable[[], Membership], transport: PeerTransport, tokens: PeerTokens
    ) -> None:
        self._own_city = own_city
        self._membership = membership
        self._transport = transport
        self._tokens = tokens

    async def compare(self, database_url: str, city: str, start: datetime, end: datetime) -> Compared:
        """All exchanges of a period with one city. Only hashes cross.

        Raises:
            NoSuchCity: it is not another active member.
            PeerError, MembershipError: it does not tell, or the members are not known.
            psycopg.Error: the database can't be read.
        """
        member = self._member(city)
        around = await fetch_answered(self._transport, self._tokens, member, start - MARGIN, end + MARGIN)
        within = await fetch_answered(self._transport, self._tokens, member, start, end)
        return await asyncio.to_thread(_compared, database_url, city, (start, end), around, within)

    async def other_side(self, city: str, at: datetime, ask: Asked) -> OtherSide:
        """What the city's log has of one exchange at about this time; raises as `compare`."""
        answers = await fetch_answered(self._transport, self._tokens, self._member(city), at - MARGIN, at + MARGIN)
        of_this = [one for one in answers if one.leaf in ask.leaves or one.trace == ask.trace]
        return OtherSide(of_this, list(compare([ask], of_this, within=set())))

    def _member(self, city: str) -> Member:
        member = self._membership().by_id(city)
        if member is None or not member.is_active or city == self._own_city:
            raise NoSuchCity(f"{city[:40]} is not another active member")
        return member


def latest_end() -> datetime:
    """Until when both sides can be expected to have their records."""
    return datetime.now(UTC) - MARGIN


def _compared(
    database_url: str,
    city: str,
    period: tuple[datetime, datetime],
    around: list[Answered],
    within: list[Answered],
) -> Compared:
    start, end = period
    with connect(database_url, "verbund-reconcile", statement_ms=STATEMENT_MS, autocommit=True) as connection:
        asked = list(read_asked(connection, city, start, end))
        leaves, traces = (
            set[str](),
            set[str](),
        )  # what the other city recorded within the period, and this one beside it
        for ask in read_asked(connection, city, start - MARGIN, end + MARGIN):
            leaves.update(ask.leaves)
            traces.add(ask.trace)
    unknown = {answer.leaf for answer in within if answer.leaf not in leaves and answer.trace not in traces}
    found = compare(asked, around, within=unknown)
    return Compared(len(asked), len(within), list(found))
