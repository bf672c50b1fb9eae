"""Get the heads of this node's log cosigned by its witnesses (c2sp.org/tlog-witness, as a client)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product

from psycopg.types.json import Jsonb

from federation.bounded import Bounded
from federation.errors import PeerError, PeerIncompatible
from federation.log_keys import LogKeys
from federation.membership import MAX_MEMBERS, Member
from federation.tlog.checkpoint import cosigned_at, read_size
from federation.tlog.note import Note, NoteError, Signature, VerifierKey, read, read_signatures
from federation.tlog.witness import SIZE_TYPE, Submission, quorum
from federation.transport import PeerResponse
from node.audit.peers import AGAIN_S, PeerLogs
from node.audit.tiles import TileMissing
from node.audit.tree import Tree, TreeHead
from node.store.pool import Pool

log = logging.getLogger("verbund.audit")
FRESH_S = 300  # a cosignature's time may differ from this node's clock by that much


class Cosigning:
    """Asks the witnesses of this node's log."""

    def __init__(self, tree: Tree, logs: PeerLogs, pool: Pool) -> None:
        self._tree = tree
        self._logs = logs
        self._pool = pool
        self._sizes = Bounded[str, int](MAX_MEMBERS)  # the size that each witness has seen last
        self._keys: dict[str, str] = {}  # their keys, as they publish them

    async def round(self, witnesses: Sequence[Member]) -> bool:
        """Have the newest tree head cosigned; False if it is not, or there is none yet.

        Raises:
            Unavailable, psycopg.Error, PoolTimeout: nothing has changed.
        """
        head = await self._tree.head()
        if head is None:
            return False
        note = read(head.note)
        fresh = Note(note.text, note.signatures[:1])  # the log's own; cosignatures are gathered anew, for their time
        self._keys = {city: key for city, key in self._keys.items() if city in {member.id for member in witnesses}}
        given = await asyncio.gather(*(self._from(member, head, fresh) for member in witnesses))
        signatures = [signature for signature in given if signature is not None]
        enough = len(signatures) >= quorum(len(witnesses))
        if not enough:
            log.warning(
                "the head of the log (%s leaves) has %s cosignatures of %s that it needs",
                head.size, len(signatures), quorum(len(witnesses)),
            )  # fmt: skip
            if head.cosigned_at is not None:
                return False  # the cosignatures that it has are better
        cosigned = str(Note(fresh.text, (*fresh.signatures, *signatures)))
        time = datetime.now(UTC) if enough else None
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "update log_checkpoint set note = %s, cosigned_at = %s, witness_keys = %s"
                " where size = %s and note = %s",
                (cosigned, time, Jsonb(self._keys), head.size, head.note),  # not if it was signed anew meanwhile
            )
        return enough and cursor.rowcount == 1

    async def _from(self, member: Member, head: TreeHead, note: Note) -> Signature | None:
        try:
            keys = await self._logs.keys(member)
            self._keys.setdefault(member.id, str(keys.witness))
            response = await self._submit(member, head, note)
            signatures = read_signatures(response.body.decode())
            found = _fresh(note, signatures, keys) or _fresh(note, signatures, await self._logs.keys(member, AGAIN_S))
            if found is not None:
                self._sizes[member.id] = head.size
                self._keys[member.id] = str(found[1])
                return found[0]
            raise PeerIncompatible("its cosignature is not by its key, or not of now")
        except (PeerError, NoteError, TileMissing, ValueError) as error:
            log.info("%s does not cosign: %s", member.id, error)
            return None

    async def _submit(self, member: Member, head: TreeHead, note: Note) -> PeerResponse:
        """Submit; if the witness knows another size than was thought, once more from there."""
        response = await self._submitted(member, self._sizes.get(member.id, 0), head, note)
        if response.status == 409 and response.content_type == SIZE_TYPE:
            size = read_size(response.body.decode().removesuffix("\n"))
            response = await self._submitted(member, size, head, note)
        if response.status != 200:
            raise PeerIncompatible(f"it answered with HTTP status {response.status}")
        return response

    async def _submitted(self, member: Member, old: int, head: TreeHead, note: Note) -> PeerResponse:
        if old > head.size:
            raise PeerIncompatible(f"it has seen {old} leaves of this log, which has {head.size}")
        proof = await self._tree.consistency(old, head.size)
        return await self._logs.submit(member, Submission(old, proof, str(note)))


def _fresh(note: Note, signatures: Sequence[Signature], keys: LogKeys) -> tuple[Signature, VerifierKey] | None:
    """The cosignature of now by one of a witness's keys, with the key."""
    for signature, key in product(signatures, keys.of_witness):
        time = cosigned_at(Note(note.text, (signature,)), key)
        if time is not None and abs(time - datetime.now(UTC).timestamp()) < FRESH_S:
            return signature, key
    return None
