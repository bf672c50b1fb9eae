"""Watch the other members' logs: whether each is still the one that was seen before, only longer.

Who is asked for a cosignature sees heads that a log chose to show it. Watching fetches the head that the log shows
everybody, and lets the log prove that it extends the largest one seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import psycopg
from psycopg_pool import PoolTimeout

from federation.errors import PeerError
from federation.membership import Member
from federation.tlog.checkpoint import Checkpoint
from federation.tlog.tree import ProofError, verify_consistency
from node.audit.peers import PeerLogs
from node.audit.witness import LogState, Witnessed, WitnessStore

log = logging.getLogger("verbund.audit")
AT_ONCE = 8


class LogWatch:
    """Looks at logs of members."""

    def __init__(self, logs: PeerLogs, store: WitnessStore) -> None:
        self._logs = logs
        self._store = store

    async def look(self, members: Sequence[Member]) -> None:
        """Look at these members' logs once; what can't be reached is looked at another time."""
        try:
            seen = await self._store.all()  # before any head is fetched: it may grow meanwhile, never shrink
        except (psycopg.Error, PoolTimeout) as error:
            log.info("no log can be watched now: %s", error)
            return
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(member: Member) -> None:
            async with slots:
                try:
                    await self._look_at(member, seen.get(member.id))
                except (PeerError, psycopg.Error, PoolTimeout) as error:
                    log.info("the log of %s can't be watched now: %s", member.id, error)

        await asyncio.gather(*(one(member) for member in members))

    async def _look_at(self, member: Member, known: Witnessed | None) -> None:
        if known is not None and known.state.is_broken:
            return
        found = await self._logs.head(member)
        if found is None:
            if known is not None:
                reason = f"its log is empty; it had {known.size} leaves"
                await self._store.caught(member.id, LogState.TRUNCATED, reason, "")
            return
        head, note, keys = found
        broken = await self._contradiction(member, known, head)
        if broken is not None:
            state, reason = broken
            log.error("the log of %s is %s: %s", member.id, state, reason)
            await self._store.caught(member.id, state, reason, note)
            return
        await self._store.advance(member.id, known, head, note, keys.log)

    async def _contradiction(
        self, member: Member, known: Witnessed | None, head: Checkpoint
    ) -> tuple[LogState, str] | None:
        if known is None:
            return None
        if head.size < known.size:
            return LogState.TRUNCATED, f"its log has {head.size} leaves; it had {known.size}"
        if head.size == known.size:
            if head.root == known.root:
                return None
            return LogState.FORKED, f"two trees of {head.size} leaves with different roots, both signed by the log"
        proof = await self._logs.consistency(member, known.size, head.size)
        try:
            verify_consistency(known.size, known.root, head.size, head.root, proof)
        except ProofError:
            return LogState.REWRITTEN, f"its {head.size} leaves do not begin with the {known.size} that were seen"
        return None
