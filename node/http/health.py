"""GET /health/live and /health/ready: is the process up, and can it answer, with reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import orjson
import psycopg
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from psycopg_pool import PoolTimeout

from federation.errors import MembershipError
from federation.membership import Membership
from node.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and what to do if it does not."""

    name: str
    ok: bool
    reason: str


class Health:
    """The node's own view of its health."""

    def __init__(self, pool: Pool, membership: Callable[[], Membership], city: str, head: str) -> None:
        self._pool = pool
        self._membership = membership
        self._city = city
        self._head = head

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handlers."""

        @get("/health/live", sync_to_thread=False)
        def live() -> dict[str, str]:
            return {"status": "live"}

        @get("/health/ready")
        async def ready() -> Response[bytes]:
            checks = [await self._database(), self._members()]
            ok = all(check.ok for check in checks)
            body = {"status": "ready" if ok else "not ready", "checks": [asdict(check) for check in checks]}
            return Response(orjson.dumps(body), status_code=200 if ok else 503, media_type="application/json")

        return [live, ready]

    async def _database(self) -> Check:
        try:
            async with self._pool.connection(timeout=1.0) as connection:
                row = await (await connection.execute("select version_num from alembic_version")).fetchone()
        except psycopg.errors.UndefinedTable:
            return Check("database", ok=False, reason="the schema is missing: run `verbund migrate`")
        except (psycopg.Error, PoolTimeout):
            return Check("database", ok=False, reason="PostgreSQL can't be reached: is it running?")
        if row is None or row[0] != self._head:
            return Check("database", ok=False, reason="the schema is not current: run `verbund migrate`")
        return Check("database", ok=True, reason="reachable, schema current")

    def _members(self) -> Check:
        try:
            membership = self._membership()
        except MembershipError as error:
            return Check("membership", ok=False, reason=error.reason)
        if membership.by_id(self._city) is None:
            reason = f"{self._city} is not in the membership list: peers will not answer"
            return Check("membership", ok=False, reason=reason)
        return Check("membership", ok=True, reason=f"{len(membership.members)} members")
