"""One record of health for each peer, and what a caller is told while its breaker is open."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from federation.errors import PeerError, PeerTimeout, PeerUnreachable
from federation.health.breaker import Breaker
from federation.health.budget import Budget
from federation.health.history import History
from federation.membership import Member

MAX_PEERS = 2_000  # more than there are cities in Germany; of those that left the federation some are remembered


@dataclass(slots=True)
class PeerHealth:
    """What is known about the node behind one issuer. `slots` bounds what is under way to it."""

    issuer: str
    slots: asyncio.Semaphore
    history: History = field(default_factory=History)
    breaker: Breaker = field(default_factory=lambda: Breaker(random.random))
    budget: Budget = field(default_factory=Budget)

    def not_asked(self, now: float) -> PeerError:
        """Why the peer is not asked at the moment, in the state in which it failed last, and when it will be."""
        wait = math.ceil(self.breaker.retry_in(now))
        again = f"it is tried again in {wait} s" if wait else "it is being tried again"
        why = self.breaker.why
        cause = why.reason if isinstance(why, PeerError) else "it can't be reached"
        kind = PeerTimeout if isinstance(why, PeerTimeout) else PeerUnreachable
        return kind(f"it is not asked at the moment, because it failed several times ({cause}); {again}")


class PeerHealths:
    """The records by city. A city whose node moved to another issuer begins anew."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._known: dict[str, PeerHealth] = {}

    def all(self) -> Iterator[tuple[str, PeerHealth]]:
        """City and record of those that were asked."""
        yield from self._known.items()

    def of(self, member: Member) -> PeerHealth:
        """The record of a member's node."""
        known = self._known.get(member.id)
        if known is None or known.issuer != member.issuer:
            self._known.pop(member.id, None)
            if len(self._known) >= MAX_PEERS:
                del self._known[next(iter(self._known))]
            known = self._known[member.id] = PeerHealth(member.issuer, asyncio.Semaphore(self._at_once))
        return known
