"""GET /log/exchanges: hashes of what another city asked, for that city to compare with its own log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
from litestar import Request, Response, get
from litestar.exceptions import ClientException, NotAuthorizedException, ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from psycopg_pool import PoolTimeout

from federation.proofs import HEADER
from node.audit.exchanges import PAGE, PATH, read_answered
from node.auth.callers import Callers, Presented
from node.auth.token_check import InvalidToken
from node.http.challenge import challenge
from node.store.pool import Pool
from schema.errors import Unavailable


class ExchangesPage:
    """Answers members of the federation, each about itself alone."""

    def __init__(self, pool: Pool, callers: Callers) -> None:
        self._pool = pool
        self._callers = callers

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handler."""

        @get(PATH, include_in_schema=False)
        async def exchanges(
            request: Request[Any, Any, Any], start: FromQuery[str], end: FromQuery[str], after: FromQuery[int] = 0
        ) -> Response[str]:
            city = await self._peer(request)
            try:
                period = datetime.fromisoformat(start), datetime.fromisoformat(end)
                if not timedelta() < period[1] - period[0] <= timedelta(days=366):
                    raise ValueError("period")  # noqa: TRY301
            except (ValueError, TypeError):
                raise ClientException("start and end are times with a zone, at most a year apart") from None
            try:
                found, last = await read_answered(self._pool, city, *period, after)
            except (psycopg.Error, PoolTimeout):
                raise ServiceUnavailableException("the database can't be reached") from None
            lines = "".join(" ".join(part or "-" for part in answered) + "\n" for answered in found)
            headers = {"Cache-Control": "no-store"} | ({"Verbund-Next": str(last)} if len(found) == PAGE else {})
            return Response(lines, media_type="text/plain", headers=headers)

        return [exchanges]

    async def _peer(self, request: Request[Any, Any, Any]) -> str:
        headers = request.headers
        presented = Presented(
            "GET", self._callers.issuer + PATH, headers.get("authorization"), headers.getall(HEADER, [])
        )
        try:
            caller = await self._callers.caller(presented)
        except InvalidToken as error:
            told = challenge(error, self._callers.issuer, await self._callers.refused(error))
            raise NotAuthorizedException(f"the token is not accepted: {error}", headers=told) from None
        except Unavailable as error:
            raise ServiceUnavailableException(error.message) from None
        if caller.peer is None:
            raise NotAuthorizedException("exchanges are for nodes of the federation")
        return caller.peer
