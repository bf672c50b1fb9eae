"""This node as a witness of other members' logs: it remembers the largest tree of each, and cosigns what extends it.

What contradicts what was seen before is kept as evidence, and the log is known as what it is from then on, until an
operator has looked into it (`verbund audit accept`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from federation.errors import MembershipError, PeerError
from federation.log_keys import NamedKey
from federation.membership import Member
from federation.tlog.checkpoint import Checkpoint, cosign, read_checkpoint
from federation.tlog.note import NoteError, VerifierKey, read
from federation.tlog.tree import ProofError, verify_consistency
from federation.tlog.witness import SIZE_TYPE, Submission, read_submission
from node.audit.peers import PeerLogs
from node.store.pool import Pool

SILENT_AFTER = timedelta(hours=4)


class LogState(StrEnum):
    """What this node knows of a member's log; the values are those of the API's `LogState`."""

    CONSISTENT = "CONSISTENT"
    UNKNOWN = "UNKNOWN"
    SILENT = "SILENT"
    TRUNCATED = "TRUNCATED"
    FORKED = "FORKED"
    REWRITTEN = "REWRITTEN"

    @property
    def is_broken(self) -> bool:
        """True if the log was caught."""
        return self in {LogState.TRUNCATED, LogState.FORKED, LogState.REWRITTEN}


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The largest tree of a log that was seen, and its state."""

    city: str
    size: int
    root: bytes
    note: str
    state: LogState
    reason: str | None
    seen_at: datetime

    def shown(self, now: datetime) -> LogState:
        """The state; a log that was not seen for long is silent."""
        silent = self.state is LogState.CONSISTENT and now - self.seen_at > SILENT_AFTER
        return LogState.SILENT if silent else self.state


@dataclass(frozen=True, slots=True)
class Reply:
    """What add-checkpoint answers."""

    status: int
    body: str
    content_type: str = "text/plain"


class WitnessStore:
    """What was seen, in the database. All methods raise psycopg.Error or PoolTimeout."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self) -> Mapping[str, Witnessed]:
        """All logs that were seen, by city."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(f"select {_COLUMNS} from witnessed_log")).fetchall()
        return {row[0]: _witnessed(row) for row in rows}

    async def get(self, city: str) -> Witnessed | None:
        """One log."""
        async with self._pool.connection() as connection:
            query = f"select {_COLUMNS} from witnessed_log where city = %s"
            row = await (await connection.execute(query, (city,))).fetchone()
        return None if row is None else _witnessed(row)

    async def advance(self, city: str, known: Witnessed | None, seen: Checkpoint, note: str, key: VerifierKey) -> bool:
        """Remember a larger tree, or that the same one was seen again; False if another one was remembered meanwhile.

        One statement: checking what is known and replacing it can't be torn apart.
        """
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "insert into witnessed_log (city, origin, key, size, root, note, state, seen_at)"
                " values (%(city)s, %(origin)s, %(key)s, %(size)s, %(root)s, %(note)s, 'CONSISTENT', now())"
                " on conflict (city) do update set origin = excluded.origin, key = excluded.key, size = excluded.size,"
                " root = excluded.root, note = excluded.note, seen_at = excluded.seen_at"
                " where witnessed_log.size = %(known)s and witnessed_log.root = %(known_root)s"
                " and witnessed_log.state = 'CONSISTENT'",
                {
                    "city": city,
                    "origin": seen.origin,
                    "key": str(key),
                    "size": seen.size,
                    "root": seen.root,
                    "note": note,
                    "known": -1 if known is None else known.size,
                    "known_root": b"" if known is None else known.root,
                },
            )
            return cursor.rowcount == 1

    async def caught(self, city: str, state: LogState, reason: str, evidence: str) -> None:
        """A log contradicts what was seen: remember it with the two heads that show it. The first catch stays."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "update witnessed_log set state = %s, reason = %s, evidence = note || %s, seen_at = now()"
                " where city = %s and state = 'CONSISTENT'",
                (state.value, reason, f"\n{evidence}", city),
            )


class Witness:
    """Answers add-checkpoint (c2sp.org/tlog-witness)."""

    def __init__(self, logs: PeerLogs, store: WitnessStore, own: Callable[[], NamedKey]) -> None:
        self._logs = logs
        self._store = store
        self._own = own

    async def add_checkpoint(self, body: str) -> Reply:
        """Cosign what extends the largest tree seen so far. Raises psycopg.Error or PoolTimeout."""
        try:
            submission = read_submission(body)
            claimed = read_checkpoint(read(submission.checkpoint))
            member = self._logs.member_of(claimed.origin)
        except (NoteError, MembershipError) as error:
            return Reply(400, f"{error}\n")
        if member is None:
            return Reply(404, "no member of the federation has a log of this origin\n")
        try:
            checkpoint, note, keys = await self._logs.opened(member, submission.checkpoint)
        except (NoteError, PeerError):
            return Reply(403, "the checkpoint is not signed with a key that the log's city publishes\n")
        if submission.old > checkpoint.size:
            return Reply(400, "the old size is larger than the checkpoint's\n")
        return await self._extend(member, submission, checkpoint, note.text, keys.log)

    async def _extend(
        self, member: Member, submission: Submission, seen: Checkpoint, text: str, key: VerifierKey
    ) -> Reply:
        known = await self._store.get(member.id)
        if known is not None and known.state.is_broken:
            return Reply(422, f"this log is known as {known.state}; it is not cosigned any more\n")
        if known is not None and seen.size == known.size and seen.root != known.root:  # whatever it says it extends
            reason = f"two trees of {seen.size} leaves with different roots, both signed by the log"
            await self._store.caught(member.id, LogState.FORKED, reason, submission.checkpoint)
            return _conflict(known)
        if submission.old != (known.size if known else 0):
            return _conflict(known)
        try:
            old_root = known.root if known else b""
            verify_consistency(submission.old, old_root, seen.size, seen.root, submission.proof)
        except ProofError as error:
            return Reply(422, f"{error}\n")
        if not await self._store.advance(member.id, known, seen, submission.checkpoint, key):
            return _conflict(await self._store.get(member.id))
        own = self._own()
        return Reply(200, cosign(text, own.key, own.private, int(time.time())).line())


def _conflict(known: Witnessed | None) -> Reply:
    return Reply(409, f"{known.size if known else 0}\n", SIZE_TYPE)


_COLUMNS = "city, size, root, note, state, reason, seen_at"


def _witnessed(row: tuple[Any, ...]) -> Witnessed:
    city, size, root, note, state, reason, seen_at = row
    return Witnessed(city, size, root, note, LogState(state), reason, seen_at)
