"""One statement per batch of requests: each proof counts once, and nothing that was revoked counts at all.

The memory is in PostgreSQL, so it is one for all replicas. Requests that come at about the same time share a statement:
while one is under way, the next batch gathers. It commits without waiting for the disk: what a crash of the database
takes with it are the proofs of its last moments.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from federation.proofs import AHEAD_S, MAX_AGE_S
from node.auth.nonces import SECRET_BYTES, Nonces
from node.store.session import Call
from node.store.sessions import Sessions
from schema.errors import Unavailable

log = logging.getLogger(__name__)

ASYNCHRONOUS = "set synchronous_commit = off"
BATCH = 512
MAX_WAITING = 5_000
KEEP_S = MAX_AGE_S + AHEAD_S + 50  # clocks of replicas may differ
PRUNE_EVERY_S = 60.0

_SPEND = """
with asked as materialized (
    select n, decode(proof, 'hex') as digest, to_timestamp(until) as until, to_timestamp(issued) as issued, subjects
      from json_to_recordset($1) as asked (n int, proof text, until float8, issued float8, subjects text[])
), spent as (
    insert into used_proof (digest, expires_at) select digest, until from asked order by digest
    on conflict do nothing returning digest
)
select json_agg(json_build_array(n, spent.digest is not null, exists (
           select from revocation where subject = any(subjects) and issued < issued_before)))
  from asked left join spent using (digest)
"""
_PRUNE = (
    "delete from used_proof where expires_at < now()",
    "delete from revocation where issued_before < now() - interval '10 minutes'",  # longer than any token lives
)
_MAKE_SECRET = "insert into node_secret (name, value) values ($1, decode($2, 'hex')) on conflict do nothing"  # noqa: S105
_READ_SECRET = "select encode(value, 'hex') from node_secret where name = $1"  # noqa: S105 - SQL
_Verdicts = msgspec.json.Decoder(list[tuple[int, bool, bool]])


class Verdict(Enum):
    """What becomes of a use."""

    GOOD = "good"
    REPLAYED = "the proof was used before: make a new one for each request"
    REVOKED = "the token was revoked, or its application is not let in any more"


@dataclass(frozen=True, slots=True)
class _Use:
    proof: bytes
    proof_issued: int
    token_issued: int
    subjects: Sequence[str]
    verdict: asyncio.Future[Verdict]


class Uses:
    """Spends proofs. `sessions`: two that write as the owner of the tables, and open with `ASYNCHRONOUS`."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._monotonic = monotonic
        self._waiting: deque[_Use] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._prune_at = float("-inf")
        self._pruner: asyncio.Task[None] | None = None
        self._nonces: Nonces | None = None

    async def spend(self, proof: bytes, proof_issued: int, token_issued: int, subjects: Sequence[str]) -> Verdict:
        """Use up a proof (its digest) for a token that was issued then and ends with one of these subjects.

        Raises:
            Unavailable: it can't be remembered; the request must not be answered.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("more requests come than can be checked")
        loop = asyncio.get_running_loop()
        use = _Use(proof, proof_issued, token_issued, subjects, loop.create_future())
        self._waiting.append(use)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        return await use.verdict

    async def nonces(self) -> Nonces:
        """The nonces of this node, the same at all its replicas. Raises Unavailable."""
        if self._nonces is None:
            self._nonces = Nonces(await self.secret("dpop-nonce"))
        return self._nonces

    async def secret(self, name: str) -> bytes:
        """A secret of this node by this name, the same at all replicas; made when it is first asked for.

        Raises:
            Unavailable: the database can't be reached.
        """
        made = secrets.token_hex(SECRET_BYTES).encode()
        try:
            found = await self._sessions.run(
                Call(_MAKE_SECRET, [name.encode(), made]), Call(_READ_SECRET, [name.encode()])
            )
        except Exception as error:
            raise Unavailable("the database can't be reached") from error
        value = found[-1].get_value(0, 0)
        assert value is not None
        return bytes.fromhex(value.decode())

    async def prune(self) -> None:
        """Forget what could not be used anyway. What fails is left to the next time."""
        try:
            await self._sessions.run(*(Call(statement, []) for statement in _PRUNE))
        except Exception:
            log.exception("used proofs could not be forgotten")

    async def close(self) -> None:
        """Wait for what is under way."""
        under_way = [task for task in (self._pruner, self._writer) if task is not None]
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _write(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                verdicts = await self._spend(batch)
            except Exception as error:
                for use in batch:
                    if not use.verdict.done():
                        refusal = Unavailable("tokens can't be checked now, so no data may leave")
                        refusal.__cause__ = error
                        use.verdict.set_exception(refusal)
                continue
            for use, verdict in zip(batch, verdicts, strict=True):
                if not use.verdict.done():
                    use.verdict.set_result(verdict)

    async def _spend(self, batch: Sequence[_Use]) -> list[Verdict]:
        verdicts = [Verdict.REPLAYED] * len(batch)
        first: dict[bytes, int] = {}
        for number, use in enumerate(batch):
            first.setdefault(use.proof, number)
        asked = [
            {
                "n": number,
                "proof": proof.hex(),
                "until": batch[number].proof_issued + KEEP_S,
                "issued": batch[number].token_issued,
                "subjects": batch[number].subjects,
            }
            for proof, number in first.items()
        ]
        found = await self._sessions.run(Call(_SPEND, [msgspec.json.encode(asked)]))
        if self._monotonic() >= self._prune_at:
            self._prune_at = self._monotonic() + PRUNE_EVERY_S
            self._pruner = asyncio.create_task(self.prune())  # beside the next batches: it may take a while
        told = found[0].get_value(0, 0)
        assert told is not None
        for number, is_new, is_revoked in _Verdicts.decode(told):
            verdicts[number] = Verdict.REVOKED if is_revoked else Verdict.GOOD if is_new else Verdict.REPLAYED
        return verdicts
