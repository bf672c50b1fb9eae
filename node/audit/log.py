"""Append access records: committed before the answer may leave.

Records of requests that end at about the same time are committed together: while one flush is under way, the next batch
gathers until it has half of all who are on their way, or for half a millisecond, since a flush costs as much processor
time as 25 records. So sixteen requests at once cost two flushes, not sixteen, and one alone waits for nobody. A
transaction of its own, so that a denial is kept whatever becomes of the request.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextvars import Context
from datetime import UTC, datetime

import msgspec
import psycopg

from node.audit.canonical import Canonical, Kind, Row
from node.audit.record import AccessRecord, normalised
from node.audit.statements import (
    KINDS,
    OPERATIONS,
    RECORDS,
    SPENDING_RECORDS,
    kinds_json,
    operations_json,
    records_json,
    spending_json,
)
from node.store.session import Call
from node.store.sessions import Sessions
from node.store.spending import Use, Verdict, distinct, settle, uses_json
from schema.errors import Unavailable
from schema.spans import span

log = logging.getLogger("verbund.audit")
REMEMBERED = 4_096
BATCH = 256  # answers in one transaction
MAX_WAITING = 5_000  # answers; beyond that the node is overloaded
GATHER_S = 0.0005

Counted = Callable[[Sequence[AccessRecord]], None]


class _Entry(msgspec.Struct, frozen=True):
    """The rows of one answer, the use of a proof that they rest on, and who waits for them."""

    rows: Sequence[Row]
    use: Use | None
    operation: bytes
    document: str
    trace_id: str
    committed: asyncio.Future[None]


class AccessLog:
    """The access log of this node. `sessions` write as the owner of the tables.

    `coming` tells how many answers are being read, whose records are about to come; `counted` gets what is committed.
    """

    def __init__(
        self, sessions: Sessions, coming: Callable[[], int] = lambda: 0, counted: Counted = lambda _: None
    ) -> None:
        self._sessions = sessions
        self._coming = coming
        self._counted = counted
        self._wanted = 0
        self._enough: asyncio.Future[None] | None = None
        self._canonical = Canonical()
        self._stored: OrderedDict[str, None] = OrderedDict()  # kinds that are known to be in the database
        self._waiting: deque[_Entry] = deque()
        self._writer: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Answers whose records are not committed yet."""
        return len(self._waiting)

    async def append(self, records: Sequence[AccessRecord], document: str, use: Use | None = None) -> list[str]:
        """Commit the records of one answer, and what they have in common with others if it is new.

        A use that has no verdict yet gets it in the same transaction; if it does not count, there is no record.
        Returns the hashes of their leaves, in hex: so the log names them.

        Raises:
            Unavailable: they could not be committed; the answer must not leave.
            Unauthenticated: the use does not count.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("the access log can't keep up, so no data may leave")
        loop = asyncio.get_running_loop()
        rows = self._canonical.rows(records, datetime.now(UTC))
        if use is not None and use.verdict is not None:
            use = None
        entry = _Entry(rows, use, records[0].operation, document, records[0].trace_id, loop.create_future())
        self._waiting.append(entry)
        if self._enough is not None and len(self._waiting) >= self._wanted:
            _wake(self._enough)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write(), context=Context())  # of no request
        with span("log"):
            await entry.committed
        if use is not None:
            use.check()
        self._counted(records)
        return [row.leaf.hex() for row in rows]

    async def _write(self) -> None:
        flushed = 0
        while self._waiting:
            await self._gather(flushed)
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            flushed = len(batch)
            try:
                await self._commit(batch)
            except Exception as error:
                if len(batch) > 1 and isinstance(error, psycopg.DataError | psycopg.IntegrityError):
                    for entry in batch:  # one record that PostgreSQL can't take must not refuse the others
                        await self._commit_alone(entry)
                else:
                    _refuse(batch, error)

    async def _gather(self, flushed: int) -> None:
        """Those whose records were `flushed` just now are likely to ask again."""
        self._wanted = (flushed + len(self._waiting) + self._coming()) // 2
        if len(self._waiting) < self._wanted:
            loop = asyncio.get_running_loop()
            self._enough = loop.create_future()
            timer = loop.call_later(GATHER_S, _wake, self._enough)
            await self._enough
            timer.cancel()
            self._enough = None

    async def _commit_alone(self, entry: _Entry) -> None:
        try:
            await self._commit([entry])
        except Exception as error:
            _refuse([entry], error)

    async def _commit(self, batch: Sequence[_Entry]) -> None:
        kinds: dict[str, Kind] = {}
        documents: dict[bytes, str] = {}
        for entry in batch:
            for row in entry.rows:
                if row.kind.digest not in self._stored:
                    kinds[row.kind.digest] = row.kind
                    documents[entry.operation] = entry.document
        calls = []
        if kinds:
            named = [(digest, normalised(document)) for digest, document in documents.items()]
            calls.append(Call(OPERATIONS, [operations_json(named)]))
            calls.append(Call(KINDS, [kinds_json(kinds.values())]))
        uses = distinct(entry.use for entry in batch if entry.use is not None)
        if uses:
            numbers = {use: number for number, use in enumerate(uses)}
            rows = spending_json(
                (row, None if entry.use is None else numbers[entry.use])
                for entry in batch
                if entry.use is None or entry.use.verdict is not Verdict.REPLAYED
                for row in entry.rows
            )
            calls.append(Call(SPENDING_RECORDS, [uses_json(uses), rows]))
            settle(uses, (await self._sessions.run(*calls))[0])
        else:
            calls.append(Call(RECORDS, [records_json(row for entry in batch for row in entry.rows)]))
            await self._sessions.run(*calls)
        for digest in kinds:
            self._stored[digest] = None
            if len(self._stored) > REMEMBERED:
                self._stored.popitem(last=False)
        for entry in batch:
            if not entry.committed.done():
                entry.committed.set_result(None)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _refuse(batch: Sequence[_Entry], error: Exception) -> None:
    log.warning("trace %s: the access record can't be written: %s", batch[0].trace_id, type(error).__name__)
    for entry in batch:
        if not entry.committed.done():
            refusal = Unavailable("the access log can't be written, so no data may leave")
            refusal.__cause__ = error
            entry.committed.set_exception(refusal)
