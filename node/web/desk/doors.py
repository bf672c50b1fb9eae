"""The guard before the desks: sessions, roles, and forms that come from our own pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from node.auth.sign_in.desk import LONGEST_S, Desks, Role, Session
from node.http.asgi import SECURITY_HEADERS
from node.web.forms import MAX_FORM_BYTES, Action, Done, Download, Form, GoTo, read_form
from node.web.i18n import EN
from node.web.pages import Page, Pages, View, Visit, see, visit_of
from node.web.stored import NotAnswered

DESKS = {Role.AUDITOR: "/audit", Role.STEWARD: "/governance"}


class Doors:
    """Lets people in by one-time links, and keeps out who is not signed in. `secure`: the node is reached by https.

    `provider`: the city's identity provider can sign people in, too.
    """

    def __init__(self, desks: Desks, pages: Pages, city: str, *, secure: bool, provider: bool) -> None:
        self._desks = desks
        self._pages = pages
        self._city = city
        self._secure = secure
        self._provider = provider
        # the prefix makes browsers insist on https, this host and every path (RFC 6265bis, 4.1.3.2)
        self._name = "__Host-verbund-desk" if secure else "verbund-desk"

    def guarded(self, view: View, role: Role) -> View:
        """The view for those who are signed in and have the role; others are told how to."""

        async def guard(visit: Visit) -> Page:
            session = await self._session(visit)
            refusal = self._refusal(visit, session, role)
            if session is None or refusal is not None:
                return refusal or self._sign_in_needed(visit)
            return _within(await view(self._as(visit, session)), session)

        return guard

    def form(self, path: str, action: Action, role: Role) -> HTTPRouteHandler:
        """POST of a form to the path, in all languages: for the role, and from a page of the same session."""

        @post([path, EN.prefix + path], request_max_body_size=MAX_FORM_BYTES, include_in_schema=False)
        async def submit(request: Request[Any, Any, Any]) -> Response[Any]:
            visit = visit_of(request)
            session = await self._session(visit)
            refusal = self._refusal(visit, session, role)
            if session is None or refusal is not None:
                return await self._pages.respond(request, visit, refusal or self._sign_in_needed(visit))
            form = await read_form(request)
            if not session.accepts(form.first("csrf")):
                return await self._pages.respond(request, visit, _within(Page("form_stale.html", status=403), session))
            done = await self._done(action, self._as(visit, session), form)
            if isinstance(done, GoTo):
                return see(visit.language.prefix + done.path)
            if isinstance(done, Download):
                return _sent(done)
            return await self._pages.respond(request, visit, _within(done, session))

        return submit

    async def entrance(self, visit: Visit) -> Page:
        """The page that a link leads to. Looking at it uses nothing up: programs look at links, too."""
        link = visit.first("link") or ""
        if not link:
            return replace(self._sign_in_needed(visit), status=HTTPStatus.OK)
        return Page("sign_in.html", context={"link": link}, private=True)

    def routes(self) -> list[HTTPRouteHandler]:
        """POST /sign-in and /sign-out."""

        @post(["/sign-in", f"{EN.prefix}/sign-in"], request_max_body_size=MAX_FORM_BYTES, include_in_schema=False)
        async def sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
            visit = visit_of(request)
            link = (await read_form(request)).first("link")
            # another site must not sign anybody in as somebody else; old browsers don't tell
            is_ours = request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
            session = await self._desks.sign_in(link) if is_ours else None
            if session is None:
                return await self._pages.respond(request, visit, self.failed(visit))
            return self.admit(see(visit.language.prefix + first_desk(session)), session)

        @post(["/sign-out", f"{EN.prefix}/sign-out"], request_max_body_size=MAX_FORM_BYTES, include_in_schema=False)
        async def sign_out(request: Request[Any, Any, Any]) -> Response[Any]:
            visit = visit_of(request)
            session = await self._session(visit)
            if session is None or not session.accepts((await read_form(request)).first("csrf")):
                return await self._pages.respond(request, visit, Page("form_stale.html", status=403))
            await self._desks.sign_out(session)
            response = see(visit.language.prefix or "/")
            response.cookies = [self._cookie("", 0)]
            return response

        return [sign_in, sign_out]

    def admit(self, response: Response[Any], session: Session) -> Response[Any]:
        """The response, with the cookie of the session."""
        response.cookies = [self._cookie(session.handle, LONGEST_S)]
        return response

    def failed(self, visit: Visit, reason: str = "link") -> Page:
        """The page for who could not be signed in. `reason`: link, provider or role."""
        return Page("sign_in_failed.html", facts={"reason": reason}, context=self._ways(visit), status=403)

    async def _session(self, visit: Visit) -> Session | None:
        return await self._desks.session(visit.cookies.get(self._name))

    def _refusal(self, visit: Visit, session: Session | None, role: Role) -> Page | None:
        if session is None:
            return self._sign_in_needed(visit)
        if role not in session.roles:
            return _within(Page("role_needed.html", facts={"code": "FORBIDDEN", "role": role}, status=403), session)
        return None

    def _sign_in_needed(self, visit: Visit) -> Page:
        return Page("sign_in_needed.html", facts={"code": "UNAUTHENTICATED"}, context=self._ways(visit), status=401)

    def _ways(self, visit: Visit) -> dict[str, Any]:
        """How somebody signs in who wants to get to the page of this visit."""
        desk = next((desk for desk in DESKS.values() if visit.path.startswith(desk)), None)
        return {"provider": self._provider, "desk": desk, "role": _role_of(desk)}

    def _as(self, visit: Visit, session: Session) -> Visit:
        return replace(visit, caller=session.caller(self._city), person=session.person)

    @staticmethod
    async def _done(action: Action, visit: Visit, form: Form) -> Done:
        try:
            return await action(visit, form)
        except NotAnswered as error:
            return Page("unavailable.html", facts={"traceId": str(error)}, status=503)

    def _cookie(self, handle: str, seconds: int) -> Cookie:
        return Cookie(
            key=self._name, value=handle, max_age=seconds, secure=self._secure, httponly=True, samesite="strict"
        )


def first_desk(session: Session) -> str:
    """Where somebody begins."""
    return next(desk for role, desk in DESKS.items() if role in session.roles)


def _role_of(desk: str | None) -> Role:
    return next((role for role, path in DESKS.items() if path == desk), Role.AUDITOR)


def _within(page: Page, session: Session) -> Page:
    desks: Sequence[tuple[Role, str]] = [(role, path) for role, path in DESKS.items() if role in session.roles]
    return replace(page, context={**page.context, "session": session, "desks": desks}, private=True)


def _sent(file: Download) -> Response[Any]:
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{file.name}"',
    }
    return Stream(file.content, status_code=HTTPStatus.OK, media_type=file.media_type, headers=headers)
