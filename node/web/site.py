"""All pages of a node, put together."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from node.http.problem import handle_http_error
from node.members import Members
from node.settings import Settings
from node.web.dataset import DatasetPage
from node.web.pages import Pages, visit_of, wants_page
from node.web.portal import Portal, not_found
from node.web.search import Search
from node.web.static_files import StaticFiles
from node.web.stored import Asker
from node.web.texts import explorer, guide, text_view


class Site:
    """The portal and the explorer."""

    def __init__(self, settings: Settings, asker: Asker, members: Members) -> None:
        self._static = StaticFiles()
        self._pages = Pages(settings, self._static)
        self._asker = asker
        self._members = members

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handlers."""
        portal = Portal(self._asker, self._members)
        views = {
            "/": portal.home,
            "/datasets": Search(self._asker, portal).view,
            "/datasets/{city:str}/{key:path}": DatasetPage(self._asker, portal).view,
            "/cities": portal.cities,
            "/cities/{city:str}": portal.city,
            "/docs": guide,
            "/explorer": explorer,
            "/accessibility": text_view("accessibility.html"),
            "/privacy": text_view("privacy.html"),
            "/imprint": text_view("imprint.html"),
        }
        return [*(self._pages.route(path, view) for path, view in views.items()), self._static.route()]

    def http_error(self, request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        """A person who looks for what is not there gets a page, a program problem details."""
        if error.status_code == 404 and wants_page(request):
            return self._pages.plain(request, visit_of(request), not_found())
        return handle_http_error(request, error)
