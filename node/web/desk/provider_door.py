"""The door to the desks by way of the city's identity provider."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from node.auth.sign_in.desk_sign_ins import CALLBACK_PATH, DeskSignIns, NotLetIn, Why
from node.auth.sign_in.request import UntrustedRequest
from node.auth.sign_in.trip import SIGN_IN_S
from node.http.sign_in import parameters_of
from node.web.desk.doors import DESKS, Doors, first_desk
from node.web.i18n import EN, language_of
from node.web.pages import Page, Pages, see, visit_of

PATH = "/sign-in/provider"


class ProviderDoor:
    """Two steps: away to the provider, and back. `secure`: the node is reached by https."""

    def __init__(self, sign_ins: DeskSignIns, doors: Doors, pages: Pages, *, secure: bool) -> None:
        self._sign_ins = sign_ins
        self._doors = doors
        self._pages = pages
        self._secure = secure
        self._name = "__Host-verbund-desk-sign-in" if secure else "verbund-desk-sign-in"

    def routes(self) -> list[HTTPRouteHandler]:
        """GET /sign-in/provider and /sign-in/callback."""

        @get([PATH, EN.prefix + PATH], include_in_schema=False)
        async def away(request: Request[Any, Any, Any]) -> Response[Any]:
            visit = visit_of(request)
            desk = visit.first("desk")
            wanted = desk if desk in DESKS.values() else ""
            try:
                redirect = await self._sign_ins.begin(f"{visit.language.prefix}|{wanted}")
            except NotLetIn as error:
                return await self._pages.respond(request, visit, self._doors.failed(visit, error.why))
            response = see(redirect.url)
            response.cookies = [self._cookie(redirect.cookie or "", SIGN_IN_S)]
            return response

        @get(CALLBACK_PATH, include_in_schema=False)
        async def back(request: Request[Any, Any, Any]) -> Response[Any]:
            visit = visit_of(request)
            try:
                parameters = parameters_of(request)
                session, to = await self._sign_ins.finish(parameters, request.cookies.get(self._name))
            except UntrustedRequest:
                return await self._pages.respond(request, visit, self._doors.failed(visit, Why.PROVIDER))
            except NotLetIn as error:
                return await self._pages.respond(request, visit, self._doors.failed(visit, error.why))
            prefix, _, wanted = to.partition("|")
            may = {DESKS[role] for role in session.roles}
            path = prefix + (wanted if wanted in may else first_desk(session))
            # The cookie is SameSite=Strict and this request came by way of another site: a redirect would go on
            # without it, a page of ours does not
            page = Page("signed_in.html", context={"path": path}, private=True)
            response = await self._pages.respond(request, replace(visit, language=language_of(path)), page)
            self._doors.admit(response, session)
            response.cookies.append(self._cookie("", 0))
            return response

        return [away, back]

    def _cookie(self, value: str, seconds: int) -> Cookie:
        return Cookie(key=self._name, value=value, max_age=seconds, secure=self._secure, httponly=True, samesite="lax")
