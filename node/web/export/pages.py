"""GET /catalog.ttl, .jsonld and .rdf: what the caller may see of this city's catalog, with a tag."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import orjson
from litestar import Request, Response, get
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler

from federation.proofs import HEADER
from node.auth.callers import Callers, Presented
from node.auth.token_check import InvalidToken
from node.http.challenge import challenge
from node.http.conditional import has_already
from node.http.cors import ANYBODY
from node.web.export.publishing import Publishing
from node.web.stored import Asker, NotAnswered
from policy.model import Caller
from schema.errors import Unavailable

PAGE = 200  # datasets that are asked for at once
MOST = 20_000
KEPT = 6  # forms of catalogs that are remembered by what is in them
_VERSION = version("verbund")  # another one may write the same in other words
_FORMS = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
}


class CatalogExport:
    """Asks the gate for the catalog every time, so it shows what holds now; writes it anew only if it has changed."""

    def __init__(self, publishing: Publishing, asker: Asker, callers: Callers) -> None:
        self._publishing = publishing
        self._asker = asker
        self._callers = callers
        self._one_at_a_time = asyncio.Lock()
        self._written: OrderedDict[str, bytes] = OrderedDict()

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handlers."""
        return [self._route(form) for form in _FORMS]

    def _route(self, form: str) -> HTTPRouteHandler:
        path, media_type = f"/catalog.{form}", _FORMS[form]

        @get(path, include_in_schema=False, name=path)
        async def catalog(request: Request[Any, Any, Any]) -> Response[bytes]:
            caller = await self._caller(request, path)
            async with self._one_at_a_time:
                try:
                    datasets = await self._datasets(caller)
                except NotAnswered:
                    raise ServiceUnavailableException("the catalog can't be read now") from None
                told = orjson.dumps([_VERSION, self._publishing, form, datasets])
                tag = f'"{sha256(told).hexdigest()[:32]}"'
                scope = "public" if caller.is_anonymous else "private"
                headers = {"ETag": tag, "Cache-Control": f"{scope}, no-cache", "Vary": "Authorization", **ANYBODY}
                if has_already(request.headers.get("if-none-match"), tag):
                    return Response(b"", status_code=304, headers=headers)
                content = await self._content(form, tag, datasets)
            return Response(content, media_type=media_type, headers=headers)

        return catalog

    async def _caller(self, request: Request[Any, Any, Any], path: str) -> Caller:
        headers = request.headers
        presented = Presented(
            "GET", self._callers.issuer + path, headers.get("authorization"), headers.getall(HEADER, [])
        )
        try:
            return await self._callers.caller(presented)
        except InvalidToken as error:
            told = challenge(error, self._callers.issuer, await self._callers.refused(error))
            raise NotAuthorizedException(f"the token is not accepted: {error}", headers=told) from None
        except Unavailable as error:
            raise ServiceUnavailableException(error.message) from None

    async def _content(self, form: str, tag: str, datasets: list[dict[str, Any]]) -> bytes:
        content = self._written.get(tag)
        if content is None:
            content = await asyncio.to_thread(_written, self._publishing, datasets, form)
            self._written[tag] = content
            if len(self._written) > KEPT:
                self._written.popitem(last=False)
        return content

    async def _datasets(self, caller: Caller) -> list[dict[str, Any]]:
        """All datasets in the order of their titles, at most `MOST`. Raises NotAnswered."""
        found: list[dict[str, Any]] = []
        after = None
        while len(found) < MOST:
            answer = await self._asker.ask("catalog", caller, city=self._publishing.city, first=PAGE, after=after)
            if "FORBIDDEN" in answer.codes:
                raise PermissionDeniedException(answer.errors[0]["message"])
            if answer.errors:
                raise NotAnswered(answer.trace_id)
            page = answer.data["datasets"]
            found += page["nodes"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        return found


def _written(publishing: Publishing, datasets: list[dict[str, Any]], form: str) -> bytes:
    from node.web.export.written import written  # when it is asked for: the library takes 11 MB

    return written(publishing, datasets, form)
