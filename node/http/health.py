"""GET /health/live, /health/ready, /health/members: is the process up, can it answer, and whom does it hear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import orjson
import psycopg
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from psycopg_pool import PoolTimeout

from federation.errors import MembershipError
from federation.membership import Membership
from federation.trust.keeper import Contact
from node.audit.state import LogStates
from node.store.pool import Pool
from node.store.revisions import usable_schema
from schema.errors import Unavailable

DATABASE_S = 1.5  # probes ask every few seconds, and wait for less


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and what to do if it does not."""

    name: str
    ok: bool
    reason: str


class Health:
    """The node's own view of its health."""

    def __init__(
        self,
        pool: Pool,
        membership: Callable[[], Membership],
        contacts: Callable[[], Sequence[Contact]],
        city: str,
        logs: LogStates,
        check_records: Callable[[], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self._membership = membership
        self._contacts = contacts
        self._city = city
        self._logs = logs
        self._check_records = check_records

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handlers."""

        @get("/health/live", sync_to_thread=False)
        def live() -> dict[str, str]:
            return {"status": "live"}

        @get("/health/ready")
        async def ready() -> Response[bytes]:
            checks = [*await asyncio.gather(self._database(), self._records()), self._members(), *self._log()]
            ok = all(check.ok for check in checks)
            body = {"status": "ready" if ok else "not ready", "checks": [asdict(check) for check in checks]}
            return Response(orjson.dumps(body), status_code=200 if ok else 503, media_type="application/json")

        @get("/health/members", sync_to_thread=False)
        def members() -> Response[bytes]:
            return Response(orjson.dumps([_told(one) for one in self._contacts()]), media_type="application/json")

        return [live, ready, members]

    def _log(self) -> Iterator[Check]:
        """What is wrong with the logs is told, and no reason to take the node out of service."""
        own = self._logs.own
        cosigned = f"cosigned {own.cosigned_at:%Y-%m-%d %H:%M:%SZ}" if own.cosigned_at else "not cosigned yet"
        stopped = "no quorum of witnesses for too long: shared data does not leave this city"
        yield Check("log", ok=True, reason=f"{own.size} records, {cosigned}" if self._logs.shares else stopped)
        for city, state, reason in self._logs.broken():
            yield Check(f"log of {city}", ok=True, reason=f"{state}: {reason}")

    async def _database(self) -> Check:
        try:
            async with asyncio.timeout(DATABASE_S), self._pool.connection(timeout=1.0) as connection:
                row = await (await connection.execute("select version_num from alembic_version")).fetchone()
        except psycopg.errors.UndefinedTable:
            return Check("database", ok=False, reason="the schema is missing: run `verbund migrate`")
        except TimeoutError:
            return Check("database", ok=False, reason="PostgreSQL does not answer: does it hang, or its storage?")
        except (psycopg.Error, PoolTimeout):
            return Check("database", ok=False, reason="PostgreSQL can't be reached: is it running?")
        if row is None or not usable_schema(row[0]):
            return Check("database", ok=False, reason="the schema is not current: run `verbund migrate`")
        return Check("database", ok=True, reason="reachable, schema current")

    async def _records(self) -> Check:
        try:
            async with asyncio.timeout(DATABASE_S):
                await self._check_records()
        except (psycopg.Error, Unavailable, TimeoutError):
            reason = "no access record can be kept, so no data leaves: a full disk, a standby, a lock?"
            return Check("records", ok=False, reason=reason)
        return Check("records", ok=True, reason="can be kept")

    def _members(self) -> Check:
        try:
            membership = self._membership()
        except MembershipError as error:
            return Check("membership", ok=False, reason=error.reason)
        if membership.by_id(self._city) is None:
            reason = f"{self._city} is not in the membership list: peers will not answer"
            return Check("membership", ok=False, reason=reason)
        told = f"{len(membership.members)} members"
        if contacts := self._contacts():
            silent = sum(one.problem is not None for one in contacts)
            told += f", as stated until {membership.expires_at:%Y-%m-%d %H:%M:%SZ}"
            told += f"; {silent} not heard, see /health/members" if silent else ""
        return Check("membership", ok=True, reason=told)


def _told(one: Contact) -> dict[str, str | None]:
    times = {"heardAt": one.heard_at, "endsAt": one.ends_at}
    told = {name: None if time is None else f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items()}
    return {"entity": one.entity, **told, "problem": one.problem}
