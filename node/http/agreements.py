"""POST /federation/agreements: other cities' nodes hand in what they have signed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from litestar import Request, Response, post
from litestar.exceptions import ClientException, ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler

from federation.agreements import MAX_BYTES, PATH, AgreementError, Document
from federation.errors import MembershipError
from node.agreeing import Agreeing
from node.store.connections import connect

LEARN_S = 5.0
Learn = Callable[[str, float], Awaitable[None]]


class AgreementInbox:
    """Takes what an active member has signed for this node; the signature is all the authentication there is."""

    def __init__(self, agreeing: Agreeing, database_url: str, learn: Learn) -> None:
        self._agreeing = agreeing
        self._database_url = database_url
        self._learn = learn

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handler."""

        @post(PATH, include_in_schema=False, status_code=204, request_max_body_size=MAX_BYTES)
        async def agreements(request: Request[Any, Any, Any]) -> Response[None]:
            try:
                text = (await request.body()).decode("ascii")
                await self._learn_keys(text)
                document = self._agreeing.read(text)  # strangers cost no connection to the database
                await asyncio.to_thread(self._keep, document)
            except UnicodeDecodeError:
                raise ClientException("agreement: is not a signed document") from None
            except AgreementError as error:
                raise ClientException(f"agreement: {error}") from None
            except (MembershipError, psycopg.OperationalError):
                raise ServiceUnavailableException("agreement: it can't be checked or kept now; send it again") from None
            return Response(None, status_code=204)

        return [agreements]

    async def _learn_keys(self, text: str) -> None:
        """Ask the sender for its keys if it uses one that is not known here."""
        issuer = self._agreeing.unknown_signer(text)
        if issuer is not None:
            await self._learn(issuer, LEARN_S)

    def _keep(self, document: Document) -> None:
        with connect(self._database_url, "verbund-agreements") as connection:
            self._agreeing.keep(connection, document)
