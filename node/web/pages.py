"""From a view to a page: HTML in either language, or its twin in JSON."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import psycopg
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from node.http.asgi import SECURITY_HEADERS
from node.http.compression import compressed
from node.http.negotiation import IDENTITY, encoding
from node.settings import Settings
from node.web import words
from node.web.i18n import EN, LANGUAGES, Language, language_of
from node.web.static_files import MISSING, StaticFiles
from node.web.stored import Answer, NotAnswered
from policy.agreement_text import purpose_text
from policy.model import ANONYMOUS, Caller
from policy.vocabulary import PURPOSES
from schema.errors import Unavailable

log = logging.getLogger("verbund.web")
TEMPLATES = Path(__file__).parent / "templates"
HTML = "text/html"
JSON = "application/json"
CSP = (
    "default-src 'self'; img-src 'self' data:{images}; style-src 'self'{styles}; font-src 'self' data:;"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
RETRY_AFTER_S = "5"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks at what: the path's parameters, the query's by name, all values of each."""

    language: Language
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, list[str]]
    cookies: Mapping[str, str] = field(default_factory=dict)
    caller: Caller = ANONYMOUS
    person: str | None = None

    def first(self, name: str) -> str | None:
        """The first value of a parameter; None if it is absent or empty."""
        return (self.query.get(name) or [""])[0].strip() or None

    def link(self, **changed: str | list[str] | None) -> str:
        """This page with other parameters; None leaves one out. Pages of a list begin anew."""
        query = {name: values for name, values in self.query.items() if name not in {"after", "format"}}
        for name, value in changed.items():
            query[name] = [] if value is None else [value] if isinstance(value, str) else value
        return _address(self.language, self.path, query)

    def other(self, language: Language) -> str:
        """The same page in another language."""
        query = {name: values for name, values in self.query.items() if name != "format"}
        return _address(language, self.path, query)

    def twin(self) -> str:
        """The same page in JSON."""
        return _address(self.language, self.path, {**self.query, "format": ["json"]})


@dataclass(frozen=True, slots=True)
class Page:
    """A template with what it shows. `answers` are also the JSON twin, with `facts`."""

    template: str
    answers: Mapping[str, Answer] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    inline_styles: bool = False
    private: bool = False


View = Callable[[Visit], Awaitable[Page]]


class Pages:
    """Renders pages of one node."""

    def __init__(self, settings: Settings, static: StaticFiles) -> None:
        self._static = static
        self._most_s = settings.limits.request_ms / 1000
        self._csp = CSP.replace("{images}", f" {_origin(settings.portal.tiles)}" if settings.portal.tiles else "")
        self._environments = {code: _environment(language, settings, static) for code, language in LANGUAGES.items()}
        if not static.built:
            log.warning(MISSING)

    def route(self, path: str, view: View) -> HTTPRouteHandler:
        """GET of the page in all languages; the path as in Litestar."""

        @get([path, EN.prefix + ("" if path == "/" else path)], include_in_schema=False)
        async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
            visit = _visit(request)
            try:
                async with asyncio.timeout(self._most_s):
                    found = await view(visit)
            except NotAnswered as error:
                found = Page("unavailable.html", facts={"traceId": str(error)}, status=503)
            except (psycopg.OperationalError, TimeoutError, Unavailable) as error:
                log.warning("%s can't be shown: %s", visit.path, type(error).__name__)
                found = Page("unavailable.html", status=503)
            return await self.respond(request, visit, found)

        return page

    async def respond(self, request: Request[Any, Any, Any], visit: Visit, page: Page) -> Response[bytes]:
        """The page in the form that the request wants, compressed if it likes."""
        response = self.plain(request, visit, page)
        response.content, coding = await compressed(response.content, encoding(request.headers.get("accept-encoding")))
        if coding != IDENTITY:
            response.headers["Content-Encoding"] = coding
        return response

    def plain(self, request: Request[Any, Any, Any], visit: Visit, page: Page) -> Response[bytes]:
        """The page in the form that the request wants."""
        headers = {
            "Cache-Control": "no-cache" if page.status == 200 and not page.private else "no-store",
            "Vary": "Accept, Accept-Encoding",
        }
        if page.status == 503:
            headers["Retry-After"] = RETRY_AFTER_S
        if _wants_json(request):
            body, media_type, status = _twin(visit, page), JSON, page.status
        elif not self._static.built:
            body, media_type, status = f"{MISSING}\n".encode(), "text/plain", 503
        else:
            body, media_type, status = self.render(visit, page).encode(), HTML, page.status
            styles = " 'unsafe-inline'" if page.inline_styles else ""
            headers["Content-Security-Policy"] = self._csp.replace("{styles}", styles)
        return Response(body, status_code=status, media_type=media_type, headers={**SECURITY_HEADERS, **headers})

    def render(self, visit: Visit, page: Page) -> str:
        """The HTML."""
        environment = self._environments[visit.language.code]
        data = {name: answer.data for name, answer in page.answers.items()}
        return environment.get_template(page.template).render(
            **{"visit": visit, "answers": page.answers, "session": None, **data, **page.facts, **page.context}
        )


def see(address: str) -> Response[Any]:
    """Go there, with GET."""
    headers = {**SECURITY_HEADERS, "Location": address, "Cache-Control": "no-store"}
    return Response(b"", status_code=HTTPStatus.SEE_OTHER, headers=headers, media_type="text/plain")


def page_path(path: str) -> str:
    """The path without the language. Two slashes at its beginning would make another host of it."""
    return f"/{path.removeprefix(language_of(path).prefix).strip('/')}"


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person looks: a browser asks for HTML by name."""
    return "text/html" in request.headers.get("accept", "")


def visit_of(request: Request[Any, Any, Any]) -> Visit:
    """The visit that a request is, for answers outside of the routes."""
    return _visit(request)


def _visit(request: Request[Any, Any, Any]) -> Visit:
    path = request.url.path
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    parts = {name: str(value).lstrip("/") for name, value in request.path_params.items()}
    return Visit(language_of(path), page_path(path), parts, query, request.cookies)


def _address(language: Language, path: str, query: Mapping[str, list[str]]) -> str:
    text = urlencode({name: values for name, values in query.items() if values}, doseq=True)
    below = "" if path == "/" and language.prefix else quote(path)
    return f"{language.prefix}{below}" + (f"?{text}" if text else "")


def _wants_json(request: Request[Any, Any, Any]) -> bool:
    chosen = request.query_params.get("format")
    return chosen == "json" or (not wants_page(request) and JSON in request.headers.get("accept", ""))


def _twin(visit: Visit, page: Page) -> bytes:
    answers = {name: answer.twin() for name, answer in page.answers.items()}
    return orjson.dumps({"page": visit.path, **page.facts, "answers": answers}, option=orjson.OPT_INDENT_2)


def _environment(language: Language, settings: Settings, static: StaticFiles) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    told = language.translations.gettext
    environment.filters.update(
        number=language.number,
        share=language.share,
        size=language.size,
        date=language.date,
        moment=language.moment,
        slot=language.slot,
        day=language.day,
        utc_slot=language.utc_slot,
        obligation=lambda text: _obligation(text, told),
        purpose=lambda name: purpose_text(name, language.code),
        told=told,
        path=lambda text: quote(text, safe="/"),
        named=lambda code, names: told(names[code]) if code in names else code,
    )
    environment.globals.update(
        language=language,
        languages=LANGUAGES,
        settings=settings,
        portal=settings.portal,
        words=words,
        purposes=PURPOSES,
        asset=static.url,
        page_url=lambda path: f"{language.prefix}{path}" if path != "/" else language.prefix or "/",
        query_url=lambda answer: language.prefix + _query_url(answer),
    )
    return environment


def _obligation(text: str, told: Callable[[str], str]) -> str:
    """An obligation in words."""
    name, _, value = text.partition("=")
    value = told(words.LEFT_OUT.get(value, value)) if name == "without" else value
    return told(words.OBLIGATIONS.get(name, "%(value)s")) % {"value": value}


def _query_url(answer: Answer) -> str:
    """The explorer with an operation and its variables."""
    given = {name: value for name, value in answer.variables.items() if value is not None}
    variables = orjson.dumps(given, option=orjson.OPT_INDENT_2).decode()
    return "/explorer?" + urlencode({"query": answer.operation, "variables": variables})


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].replace('{s}', '*')}"
