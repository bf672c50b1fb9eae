"""What was refused for the sake of security, as records of its own: tokens, proofs, clients, grants, lock-outs.

Attackers decide how often something is refused, so refusals are counted, and become one record for each minute, event
and caller, and few of those. Unlike accesses they are recorded afterwards: no data has left.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace

from node.audit.log import AccessLog
from node.audit.record import DENY, OWNER, AccessRecord, action_of, operation_digest
from policy.model import ANONYMOUS, Caller
from schema.errors import Unavailable

log = logging.getLogger("verbund.audit")

EVERY_S = 60.0
MOST = 100  # events and callers told apart within a minute, in each worker
FIELD = "security"  # in place of a query's root field
REFUSED = "REFUSED"

EVENTS: Mapping[str, str] = {
    "invalid_token": "token",
    "invalid_dpop_proof": "proof",
    "invalid_client": "client",
    "invalid_grant": "grant",
    "unauthorized_client": "rights",
    "invalid_scope": "rights",
    "access_denied": "lock-out",
}
"""The event by OAuth's code of the refusal. What is not here is no event: malformed requests, overload."""


class SecurityLog:
    """Counts in one worker; `keep` writes."""

    def __init__(self, access_log: AccessLog) -> None:
        self._log = access_log
        self._counts: dict[tuple[str, Caller], int] = {}
        self._began = time.monotonic()

    def refused(self, error: str, caller: Caller) -> None:
        """Count a refusal with this OAuth code. `caller` is anonymous unless this node knows somebody by that name."""
        event = EVENTS.get(error)
        if event is None:
            return
        key = event, replace(ANONYMOUS, city=caller.city, application=caller.application, peer=caller.peer)
        if key not in self._counts and len(self._counts) >= MOST:
            key = event, ANONYMOUS
        self._counts[key] = self._counts.get(key, 0) + 1

    async def keep(self, every_s: float = EVERY_S) -> None:
        """Write what was counted, again and again until cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(every_s)
                await self.write()
        finally:
            await asyncio.shield(self.write())

    async def write(self) -> None:
        """Write what was counted. What can't be written now is kept for the next time."""
        counts, self._counts = self._counts, {}
        took_s, self._began = time.monotonic() - self._began, time.monotonic()
        if not counts:
            return
        trace_id = secrets.token_hex(16)
        try:
            await self._log.append([_record(*key, count, took_s, trace_id) for key, count in counts.items()], FIELD)
        except Unavailable as error:
            log.warning("the security events of the last minute can't be recorded now: %s", error.message)
            for key, count in counts.items():
                self._counts[key] = self._counts.get(key, 0) + count


def _record(event: str, caller: Caller, count: int, took_s: float, trace_id: str) -> AccessRecord:
    return AccessRecord(
        role=OWNER,
        caller=caller,
        counterpart=caller.peer,
        trace_id=trace_id,
        field=FIELD,
        action=action_of(caller, event, "refuse"),
        operation=operation_digest(FIELD),
        datasets=(),
        decision=DENY,
        rules=(),
        policy_version="",
        state=REFUSED,
        rows=count,
        bytes=0,
        took_ms=took_s * 1000,
    )
