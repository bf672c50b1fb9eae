"""All pages of a node, put together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from node.audit.tree import Tree
from node.auth.sign_in.desk import Desks, Role
from node.auth.sign_in.desk_sign_ins import DeskSignIns
from node.http.problem import handle_http_error, handle_unexpected
from node.members import Members
from node.settings import Settings
from node.web.dataset import DatasetPage
from node.web.desk.agreements import AgreementDesk
from node.web.desk.audit import AuditDesk
from node.web.desk.doors import Doors
from node.web.desk.explaining import ExplainDesk
from node.web.desk.governance import StewardDesk
from node.web.desk.log_work import LogWork
from node.web.desk.proofs import LogProofs
from node.web.desk.provider_door import ProviderDoor
from node.web.forms import Action
from node.web.pages import Page, Pages, View, visit_of, wants_page
from node.web.portal import Portal, not_found
from node.web.search import Search
from node.web.static_files import StaticFiles
from node.web.stored import Asker
from node.web.texts import explorer, guide, text_view


class Site:
    """The portal and the explorer."""

    def __init__(
        self,
        settings: Settings,
        asker: Asker,
        members: Members,
        tree: Tree,
        desks: Desks,
        sign_ins: DeskSignIns | None,
        work: LogWork,
    ) -> None:
        self._static = StaticFiles()
        self._pages = Pages(settings, self._static)
        self._asker = asker
        self._members = members
        self._city = settings.city
        self._tree = tree
        self._proofs = LogProofs(tree)
        self._work = work
        secure = settings.issuer.startswith("https:")
        self._doors = Doors(desks, self._pages, settings.city, secure=secure, provider=sign_ins is not None)
        self._provider = None if sign_ins is None else ProviderDoor(sign_ins, self._doors, self._pages, secure=secure)
        self._forms: list[HTTPRouteHandler] = []

    def routes(self) -> list[HTTPRouteHandler]:
        """The Litestar handlers."""
        portal = Portal(self._asker, self._members)
        views = {
            "/": portal.home,
            "/datasets": Search(self._asker, portal).view,
            "/datasets/{city:str}/{key:path}": DatasetPage(
                self._asker, portal, self._city, self._tree.public_counts
            ).view,
            "/cities": portal.cities,
            "/cities/{city:str}": portal.city,
            "/docs": guide,
            "/explorer": explorer,
            "/accessibility": text_view("accessibility.html"),
            "/privacy": text_view("privacy.html"),
            "/imprint": text_view("imprint.html"),
            "/sign-in": self._doors.entrance,
            **self._audit(portal),
            **self._governance(portal),
        }
        pages = [self._pages.route(path, view) for path, view in views.items()]
        provider = self._provider.routes() if self._provider else []
        return [*pages, *self._forms, *self._doors.routes(), *provider, self._static.route()]

    def _audit(self, portal: Portal) -> dict[str, View]:
        desk, role = AuditDesk(self._asker, portal, self._work, self._proofs, self._city), Role.AUDITOR
        views = {"/audit": desk.records, "/audit/reconcile": desk.reconcile, "/audit/traces/{trace:str}": desk.trace}
        self._forms.append(self._doors.form("/audit/export", desk.export, role))
        return {path: self._doors.guarded(view, role) for path, view in views.items()}

    def _governance(self, portal: Portal) -> dict[str, View]:
        desk = StewardDesk(self._asker, self._city)
        agreements = AgreementDesk(self._asker, portal, self._city)
        views: dict[str, tuple[View, Action | None]] = {
            "/governance": (desk.worklist, None),
            "/governance/datasets/{key:path}": (desk.dataset, desk.decide),
            "/governance/assess/{key:path}": (desk.assess, desk.submit),
            "/governance/agreements": (agreements.listed, None),
            "/governance/agreements/new": (agreements.new, agreements.offer),
            "/governance/agreements/{id:str}": (agreements.one, agreements.act),
            "/governance/explain": (ExplainDesk(self._asker, portal, self._city).view, None),
        }
        self._forms += [
            self._doors.form(path, action, Role.STEWARD) for path, (_, action) in views.items() if action is not None
        ]
        return {path: self._doors.guarded(view, Role.STEWARD) for path, (view, _) in views.items()}

    def http_error(self, request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        """A person who looks for what is not there gets a page, a program problem details."""
        problem = handle_http_error(request, error)
        if error.status_code not in {404, 405} or not wants_page(request):
            return problem
        page = self._pages.plain(request, visit_of(request), replace(not_found(), status=error.status_code))
        page.headers |= {name: value for name, value in problem.headers.items() if name.lower() == "allow"}
        return page

    def unexpected(self, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        """What nobody expected is told to a person by a page, too."""
        problem = handle_unexpected(request, error)
        if not wants_page(request):
            return problem
        return self._pages.plain(
            request, visit_of(request), Page("unavailable.html", status=problem.status_code or 500)
        )
