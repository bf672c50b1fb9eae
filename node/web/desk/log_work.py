"""What the auditor's desk does with the log beyond asking the API: count, export, prove, and ask the other side.

The same code as `verbund audit stats | export | bundle | reconcile`. What is taken out is recorded with the person.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from federation.errors import MembershipError, PeerError
from federation.log_keys import NamedKey
from federation.tlog.tree import ProofError
from node.audit.bundle import BundleMaker
from node.audit.exchanges import asked_of
from node.audit.export import ExportError, export
from node.audit.extent import BundleError
from node.audit.grammar import Filter
from node.audit.operator import EXPORT, PROVE, READ, Act
from node.audit.reconciling import Compared, NoSuchCity, OtherSide, Reconciler
from node.audit.record import DENY
from node.audit.search import export_records
from node.audit.tiles import TileMissing
from node.audit.timeline import USUAL, Timeline, timeline
from node.audit.totals import NotCounted, totals
from node.store.connections import connect
from node.web.forms import Download
from policy.model import Caller
from schema.errors import Unavailable

MEDIA_TYPES = {
    "csv": "text/csv",  # the charset is added to all that is text
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
    "bundle": "application/gzip",
}
SUFFIXES = {"csv": ".csv", "jsonl": ".jsonl", "parquet": ".parquet", "bundle": ".jsonl.gz"}
PIECE = 65_536
SHOWN = 8
STATEMENT_MS = 20_000
_Result = TypeVar("_Result")
Connection = psycopg.Connection[Any]


class NotDone(Exception):
    """It can't be done; the text says why, fit for people."""


class LogWork:
    """Works on the log of one node. `keys` gives all that may have signed a head of it, as they are now."""

    def __init__(
        self, database_url: str, city: str, keys: Callable[[], Sequence[NamedKey]], reconciler: Reconciler
    ) -> None:
        self._database_url = database_url
        self._city = city
        self._keys = keys
        self._reconciler = reconciler

    async def timeline(self, wanted: Filter) -> Timeline | None:
        """Accesses over time; None if what is asked for is not counted, or takes too long to count."""
        with suppress(NotCounted, psycopg.errors.QueryCanceled):
            return await self._with(lambda connection: timeline(connection, wanted, datetime.now(UTC)))
        return None

    async def denials(self, wanted: Filter) -> list[dict[str, Any]]:
        """Who was denied what by which rule, how often: of the filter's days or the last 30; most frequent first."""
        denied = replace(wanted, terms={**wanted.terms, "decisions": [DENY]})
        if wanted.after is None and wanted.before is None:
            denied = replace(denied, after=datetime.now(UTC) - USUAL)
        groups = ("city", "application", "purpose", "rule")
        with suppress(NotCounted, psycopg.errors.QueryCanceled):
            return await self._with(lambda connection: list(totals(connection, denied, groups))[:SHOWN])
        return []

    async def export(self, caller: Caller, text: str, wanted: Filter, form: str) -> Download:
        """A file of the records that match, or a bundle that proves them.

        Raises:
            NotDone: the form needs something that is not there.
        """
        if form not in SUFFIXES:
            raise NotDone(f"format: {form[:20]!r} is not one of {', '.join(SUFFIXES)}")
        with tempfile.TemporaryDirectory(prefix="verbund-export-") as directory:
            path = Path(directory) / f"records{SUFFIXES[form]}"
            await self._with(lambda connection: self._write(connection, caller, text, wanted, path))
            file = path.open("rb")  # stays readable without its name
        name = f"{self._city}-access-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{SUFFIXES[form]}"
        return Download(name, MEDIA_TYPES[form], _pieces(file))

    async def reconcile(self, caller: Caller, city: str, start: datetime, end: datetime) -> Compared:
        """Lay this city's log beside another's. Raises NotDone."""
        text = f"reconcile {city[:40]} from {start.isoformat()} until {end.isoformat()}"
        compared = await self._asked(self._reconciler.compare(self._database_url, city, start, end))
        await self._with(lambda connection: Act(connection, self._city, READ, text, caller).done(rows=compared.asked))
        return compared

    async def other_side(self, record: dict[str, Any]) -> OtherSide:
        """What the owner's log has of a record of ours, as the API tells it. Raises NotDone."""
        ask = asked_of(
            record["position"],
            record["traceId"],
            record["requestDigest"],
            record["responseDigest"],
            receipt=record["receipt"],
            state=record["state"],
        )
        at = datetime.fromisoformat(record["at"])
        return await self._asked(self._reconciler.other_side(record["counterpart"], at, ask))

    def _write(self, connection: Connection, caller: Caller, text: str, wanted: Filter, path: Path) -> None:
        proven = path.suffix == ".gz"
        act = Act(connection, self._city, PROVE if proven else EXPORT, text, caller)
        try:
            if proven:
                count = BundleMaker(connection, self._city, *self._keys()).write(path, text, wanted).records
            else:
                count = export(path, export_records(connection, wanted))
        except (ExportError, BundleError) as error:
            raise NotDone(str(error)) from None
        except (ProofError, TileMissing) as error:
            raise NotDone(f"the stored tree is not whole ({error}): run `verbund audit fsck`") from None
        act.done(rows=count, bytes_=min(path.stat().st_size, 2**31 - 1))

    @staticmethod
    async def _asked(asking: Awaitable[_Result]) -> _Result:
        try:
            return await asking
        except NoSuchCity as error:
            raise NotDone(str(error)) from None
        except (PeerError, MembershipError) as error:
            raise NotDone(error.reason) from None
        except psycopg.OperationalError as error:
            raise Unavailable("the database can't be reached") from error

    async def _with(self, work: Callable[[Connection], _Result]) -> _Result:
        """Do it with a connection of its own, in a thread."""

        def run() -> _Result:
            with connect(self._database_url, "verbund-desk", statement_ms=STATEMENT_MS, autocommit=True) as connection:
                return work(connection)

        return await asyncio.to_thread(run)


def _pieces(file: Any) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
