"""The tree of a node's log with all that keeps it: one object for the wiring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from federation.log_keys import NamedKey
from federation.membership import Membership
from federation.transport import PeerTransport
from node.audit.cosigning import Cosigning
from node.audit.erase import Retention
from node.audit.keeper import LogKeeper
from node.audit.peers import PeerLogs
from node.audit.state import LogStates
from node.audit.tree import Tree
from node.audit.watch import LogWatch
from node.audit.witness import Witness, WitnessStore
from node.settings import Settings
from node.store.pool import Pool


class LogService:
    """`states`: what is known of all logs. `witness`: cosigns for others. `keep`: sequences, has cosigned, watches."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        transport: PeerTransport,
        membership: Callable[[], Membership],
        log: Callable[[], NamedKey],
        witness: Callable[[], NamedKey],
    ) -> None:
        assert settings.database_url is not None
        logs, store = PeerLogs(transport, membership, time.monotonic), WitnessStore(pool)
        self.tree = Tree(pool)
        self.states = LogStates(pool, settings.city, timedelta(seconds=settings.share_unwitnessed_s))
        self.witness = Witness(logs, store, witness)
        self._keeper = LogKeeper(
            settings.database_url,
            log,
            settings.city,
            membership,
            Cosigning(self.tree, logs, pool),
            LogWatch(logs, store),
            Retention(timedelta(days=settings.keep_accesses_days), timedelta(days=settings.keep_security_days)),
            witness_every_s=settings.witness_every_s,
        )

    async def keep(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.states.keep())
            group.create_task(self._keeper.keep())
