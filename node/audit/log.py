"""Append access records: committed before the answer may leave.

Records of requests that end at about the same time are committed together: while one flush is under way, the next batch
gathers until it has half of all who are on their way, or for half a millisecond, since a flush costs as much processor
time as 25 records. So sixteen requests at once cost two flushes, not sixteen, and one alone waits for nobody. A
transaction of its own, so that a denial is kept whatever becomes of the request. Rows are made batch by batch, too,
which is cheaper than one by one between other work.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
import psycopg

from node.audit.canonical import Canonical, Kind, Row
from node.audit.record import AccessRecord, normalised
from node.audit.statements import (
    KINDS,
    OPERATIONS,
    PROBE,
    RECORDS,
    SPENDING_RECORDS,
    append_now,
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
FULL_S = 15.0  # so long a disk that was full speaks against the next record
_OF_ONE_RECORD = psycopg.DataError, psycopg.IntegrityError, TypeError  # text that has no bytes in UTF-8 is a TypeError

Counted = Callable[[Sequence[AccessRecord]], None]


class _Entry(msgspec.Struct, frozen=True):
    """The records of one answer, the use of a proof that they rest on, and who waits for the hashes of their leaves."""

    records: Sequence[AccessRecord]
    use: Use | None
    document: str
    committed: asyncio.Future[list[str]]


class AccessLog:
    """The access log of this node. `sessions` write as the owner of the tables.

    `coming` tells how many answers are being read, whose records are about to come; `counted` hears what is committed.
    """

    def __init__(
        self, sessions: Sessions, coming: Callable[[], int] = lambda: 0, counted: Counted = lambda _: None
    ) -> None:
        self._sessions = sessions
        self._coming = coming
        self.counted = counted
        self._wanted = 0
        self._enough: asyncio.Future[None] | None = None
        self._canonical = Canonical()
        self._stored: OrderedDict[str, None] = OrderedDict()  # kinds that are known to be in the database
        self._waiting: deque[_Entry] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._full_at: float | None = None  # a disk, if nothing was committed since

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
        if not records:  # nothing was accessed, e.g. what is explained asks nobody; a use waits for the answer then
            return []
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("the access log can't keep up, so no data may leave")
        loop = asyncio.get_running_loop()
        if use is not None and use.verdict is not None:
            use = None
        entry = _Entry(records, use, document, loop.create_future())
        self._waiting.append(entry)
        if self._enough is not None and len(self._waiting) >= self._wanted:
            _wake(self._enough)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write(), context=Context())  # of no request
        with span("log"):
            leaves = await entry.committed
        if use is not None:
            use.check()
        self.counted(records)
        return leaves

    @staticmethod
    def append_within(connection: psycopg.Connection[Any], records: Sequence[AccessRecord], document: str) -> None:
        """Append within the transaction of what is recorded: both are kept, or neither. `counted` is to hear of it.

        Raises:
            Unavailable: they can't be written; let the transaction fail.
        """
        try:
            append_now(connection, records, normalised(document))
        except psycopg.Error as error:
            log.warning("trace %s: the access record can't be written: %s", records[0].trace_id, type(error).__name__)
            raise Unavailable("the access log can't be written, so nothing was done") from error

    async def check(self) -> None:
        """Whether a record could be committed now; none is, so a full disk is known from records that failed.

        Raises:
            psycopg.Error, Unavailable: none could, or the disk was full just now.
        """
        await self._sessions.run(Call(PROBE, []))
        if self._full_at is not None and asyncio.get_running_loop().time() - self._full_at < FULL_S:
            raise Unavailable("the disk was full just now, and no access record kept")

    async def _write(self) -> None:
        flushed = 0
        while self._waiting:
            await self._gather(flushed)
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            flushed = len(batch)
            try:
                await self._commit(batch)
                self._full_at = None
            except Exception as error:
                self._stored.clear()  # another server may have taken over, one that lacks what came last
                if len(batch) > 1 and isinstance(error, _OF_ONE_RECORD):
                    for entry in batch:  # one record that can't be stored must not refuse the others
                        await self._commit_alone(entry)
                else:
                    if isinstance(error, psycopg.errors.DiskFull):
                        self._full_at = asyncio.get_running_loop().time()
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
        if entry.use is not None:
            entry.use.verdict = None  # that it came twice was said of a batch that is not committed
        try:
            await self._commit([entry])
        except Exception as error:
            _refuse([entry], error)

    async def _commit(self, batch: Sequence[_Entry]) -> None:
        rows = self._canonical.rows([record for entry in batch for record in entry.records], datetime.now(UTC))
        kinds = {row.kind.digest: row.kind for row in rows if row.kind.digest not in self._stored}
        calls = _describing(kinds, batch) if kinds else []
        uses = distinct(entry.use for entry in batch if entry.use is not None)
        if uses:
            calls.append(Call(SPENDING_RECORDS, [uses_json(uses), _resting_json(rows, batch, uses)]))
            settle(uses, (await self._sessions.run(*calls))[0])
        else:
            calls.append(Call(RECORDS, [records_json(rows)]))
            await self._sessions.run(*calls)
        for digest in kinds:
            self._stored[digest] = None
            if len(self._stored) > REMEMBERED:
                self._stored.popitem(last=False)
        leaves = (row.leaf for row in rows)
        for entry in batch:
            own = list(islice(leaves, len(entry.records)))
            if not entry.committed.done():
                entry.committed.set_result(own)


def _describing(kinds: Mapping[str, Kind], batch: Sequence[_Entry]) -> list[Call]:
    """Store what new records have in common: their kinds, and the operations these are of."""
    documents = {entry.records[0].operation: entry.document for entry in batch}
    named = [(digest, normalised(document)) for digest, document in documents.items()]
    return [Call(OPERATIONS, [operations_json(named)]), Call(KINDS, [kinds_json(kinds.values())])]


def _resting_json(rows: Sequence[Row], batch: Sequence[_Entry], uses: Sequence[Use]) -> bytes:
    """The rows with the numbers of the uses that they rest on, without those whose use came twice."""
    numbers = {use: number for number, use in enumerate(uses)}
    of_rows = [entry.use for entry in batch for _ in entry.records]
    return spending_json(
        (row, None if use is None else numbers[use])
        for row, use in zip(rows, of_rows, strict=True)
        if use is None or use.verdict is not Verdict.REPLAYED
    )


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _refuse(batch: Sequence[_Entry], error: Exception) -> None:
    log.warning("trace %s: the access record can't be written: %s", batch[0].records[0].trace_id, type(error).__name__)
    for entry in batch:
        if not entry.committed.done():
            refusal = Unavailable("the access log can't be written, so no data may leave")
            refusal.__cause__ = error
            entry.committed.set_exception(refusal)
