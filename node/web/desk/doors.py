"""Signing in and out, and the guard before the desks."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from node.auth.sign_in.desk import LONGEST_S, Desks
from node.web.i18n import EN
from node.web.pages import Page, Pages, View, Visit, visit_of

MAX_FORM_BYTES = 4_096


class Doors:
    """Lets people in by one-time links. `secure`: the node is reached by https."""

    def __init__(self, desks: Desks, pages: Pages, city: str, *, secure: bool) -> None:
        self._desks = desks
        self._pages = pages
        self._city = city
        self._secure = secure
        # the prefix makes browsers insist on https, this host and every path (RFC 6265bis, 4.1.3.2)
        self._name = "__Host-verbund-desk" if secure else "verbund-desk"

    def guarded(self, view: View) -> View:
        """The view for those who are signed in; others are told how to."""

        async def guard(visit: Visit) -> Page:
            session = await self._desks.session(visit.cookies.get(self._name))
            if session is None:
                return Page("sign_in_needed.html", facts={"code": "UNAUTHENTICATED"}, status=401)
            page = await view(replace(visit, caller=session.caller(self._city)))
            return replace(page, context={**page.context, "session": session}, private=True)

        return guard

    async def entrance(self, visit: Visit) -> Page:
        """The page that a link leads to. Looking at it uses nothing up: programs look at links, too."""
        return Page("sign_in.html", context={"link": visit.first("link") or ""}, private=True)

    def routes(self) -> list[HTTPRouteHandler]:
        """POST /sign-in and /sign-out."""

        @post(["/sign-in", f"{EN.prefix}/sign-in"], request_max_body_size=MAX_FORM_BYTES, include_in_schema=False)
        async def sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
            visit = visit_of(request)
            session = await self._desks.sign_in(str((await request.form()).get("link", "")))
            if session is None:
                return await self._pages.respond(request, visit, Page("sign_in_failed.html", status=403))
            return self._go(f"{visit.language.prefix}/audit", session.handle, LONGEST_S)

        @post(["/sign-out", f"{EN.prefix}/sign-out"], request_max_body_size=MAX_FORM_BYTES, include_in_schema=False)
        async def sign_out(request: Request[Any, Any, Any]) -> Response[Any]:
            visit = visit_of(request)
            session = await self._desks.session(visit.cookies.get(self._name))
            csrf = (await request.form()).get("csrf")
            if session is None or not session.accepts(csrf if isinstance(csrf, str) else None):
                return await self._pages.respond(request, visit, Page("sign_in_failed.html", status=403))
            await self._desks.sign_out(session)
            return self._go(visit.language.prefix or "/", "", 0)

        return [sign_in, sign_out]

    def _go(self, path: str, handle: str, seconds: int) -> Response[Any]:
        cookie = Cookie(
            key=self._name, value=handle, max_age=seconds, secure=self._secure, httponly=True, samesite="strict"
        )
        headers = {"Location": path, "Cache-Control": "no-store"}
        return Response(b"", status_code=HTTPStatus.SEE_OTHER, headers=headers, cookies=[cookie])
