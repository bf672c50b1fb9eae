"""Uses of proofs, spent by themselves: for requests whose records do not carry them along (`node.audit.log`).

Requests that come at about the same time share a statement: while one is under way, the next batch gathers. It commits
without waiting for the disk: what a crash of the database takes with it are the proofs of its last moments.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from federation.proofs import AHEAD_S, MAX_AGE_S
from node.auth.nonces import SECRET_BYTES, Nonces
from node.store.session import Call
from node.store.sessions import Sessions
from node.store.spending import SPEND, Use, Verdict, distinct, settle, uses_json
from schema.errors import Unavailable

log = logging.getLogger(__name__)

ASYNCHRONOUS = "set synchronous_commit = off"
BATCH = 512
MAX_WAITING = 5_000
KEEP_S = MAX_AGE_S + AHEAD_S + 50  # clocks of replicas may differ
PRUNE_EVERY_S = 60.0

_PRUNE = (
    "delete from used_proof where expires_at < now()",
    "delete from revocation where issued_before < now() - interval '10 minutes'",  # longer than any token lives
)
_ENDED = "select from revocation where subject = any($1::text[]) and issued_before > to_timestamp($2::float8) limit 1"
_MAKE_SECRET = "insert into node_secret (name, value) values ($1, decode($2, 'hex')) on conflict do nothing"  # noqa: S105
_READ_SECRET = "select encode(value, 'hex') from node_secret where name = $1"  # noqa: S105 - SQL


@dataclass(frozen=True, slots=True)
class _Waiting:
    use: Use
    spent: asyncio.Future[None]


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
        self._waiting: deque[_Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._prune_at = float("-inf")
        self._pruner: asyncio.Task[None] | None = None
        self._nonces: Nonces | None = None

    def use(
        self,
        proof: bytes,
        proof_issued: int,
        token_issued: int,
        subjects: Sequence[str],
        refusal: Callable[[Verdict], Exception],
    ) -> PendingUse:
        """The use of a proof (its digest) for a token that was issued then and ends with one of these subjects."""
        if self._monotonic() >= self._prune_at:
            self._prune_at = self._monotonic() + PRUNE_EVERY_S
            self._pruner = asyncio.create_task(self.prune())  # beside the requests: it may take a while
        return PendingUse(self, Use(proof, proof_issued + KEEP_S, token_issued, subjects, refusal))

    async def spend(self, use: Use) -> None:
        """Give a use its verdict.

        Raises:
            Unavailable: it can't be remembered; the request must not be answered.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("more requests come than can be checked")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(use, loop.create_future())
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        await waiting.spent

    async def are_ended(self, token_issued: int, subjects: Sequence[str]) -> bool:
        """Whether a token that was issued then has ended with one of these subjects. Raises Unavailable."""
        listed = b"{" + b",".join(msgspec.json.encode(subject) for subject in subjects) + b"}"
        try:
            (found,) = await self._sessions.read(Call(_ENDED, [listed, str(token_issued).encode()]))
        except Exception as error:
            raise Unavailable("tokens can't be checked now, so no data may leave") from error
        return found.ntuples > 0

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
            uses = distinct(waiting.use for waiting in batch)
            try:
                settle(uses, (await self._sessions.run(Call(SPEND, [uses_json(uses)])))[0])
            except Exception as error:
                for waiting in batch:
                    if not waiting.spent.done():
                        refusal = Unavailable("tokens can't be checked now, so no data may leave")
                        refusal.__cause__ = error
                        waiting.spent.set_exception(refusal)
                continue
            for waiting in batch:
                if not waiting.spent.done():
                    waiting.spent.set_result(None)


class PendingUse:
    """A use that counts before its request is answered: with the request's first records, or when it is spent."""

    __slots__ = ("_uses", "use")

    def __init__(self, uses: Uses, use: Use) -> None:
        self._uses = uses
        self.use = use

    async def spend(self) -> None:
        """Use it up now, unless that was done.

        Raises:
            Unauthenticated: it does not count. Unavailable: that can't be found out.
        """
        if self.use.verdict is None:
            await self._uses.spend(self.use)
        self.use.check()
