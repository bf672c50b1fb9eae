"""The node, put together."""

from __future__ import annotations

from importlib.metadata import version

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.types import ASGIApp

from node.agreeing import Agreeing
from node.app.audit import wire_audit
from node.app.authorization import wire_authorization
from node.app.database import wire_database
from node.app.graphql import wire_graphql
from node.app.lifespan import wire_lifespan
from node.app.peers import wire_peers
from node.app.ports import wire_ports
from node.app.site import wire_site
from node.auth.entity import EntityConfiguration
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.auth.keys import passphrase_of
from node.auth.receipts import Receipts
from node.auth.sign_in.service import SignIns
from node.gate import CityRules, Decisions
from node.http.agreements import AgreementInbox
from node.http.asgi import SECURITY_HEADERS, routed
from node.http.entity import entity_routes
from node.http.exchanges import ExchangesPage
from node.http.head import with_head
from node.http.health import Health
from node.http.log import LogPages
from node.http.oauth import oauth_routes
from node.http.schema_page import schema_route
from node.http.sign_in import sign_in_routes
from node.http.summary import SummaryPage
from node.members import presented
from node.settings import Limits, Settings
from node.telemetry.counts import Counts
from node.telemetry.start import Reporting
from node.web.export.pages import CatalogExport
from node.web.export.publishing import Publishing
from schema.budget import Bounds
from schema.build import build_schema


def create_app(settings: Settings, *, supervised: bool = False) -> ASGIApp:
    """Wire one node. `settings.database_url` must be set. A supervised worker ends with its supervisor."""
    city = settings.city
    database = wire_database(settings)
    pool = database.pool
    counts = Counts()
    reporting = Reporting(counts, city, version("verbund"), settings.otlp_endpoint, settings.trace_share)
    telemetry = reporting.request_telemetry
    keys = NodeKeys(settings.keys_home, passphrase_of(settings))
    identity = NodeIdentity.from_settings(settings, keys)
    schema = build_schema(_bounds(settings.limits))
    sdl = schema.as_str() + "\n"
    peers = wire_peers(settings, identity, pool, schema.graphql, sdl)
    members = peers.members
    entity = EntityConfiguration(
        identity,
        keys,
        presented(settings),
        lambda: members.keeper.anchors,
        lambda: members.keeper.vouched_jwks(settings.issuer),
    )
    audit = wire_audit(settings, database, peers.transport, members.current, counts)
    logs = audit.service
    rules = CityRules(settings.policies_directory, city)
    decisions = Decisions(pool, city, rules.current, members.current, shares=lambda: logs.states.shares)
    agreeing = Agreeing(identity, members.current)
    ports = wire_ports(settings, database, peers, audit, decisions, agreeing, counts)
    authorization = wire_authorization(settings, identity, database, peers, audit.security_log)
    callers = authorization.callers
    summary = SummaryPage(city, identity, pool, callers, decisions.terms)
    graphql = wire_graphql(
        settings, schema, ports, callers, Receipts(identity), counts, telemetry, lambda: summary.version
    )
    site = wire_site(settings, database, peers, audit, authorization, graphql.asker)
    others = Litestar(
        route_handlers=[
            *site.routes(),
            *CatalogExport(Publishing(city, settings.name, settings.issuer), graphql.asker, callers).routes(),
            *Health(pool, members.current, members.keeper.contacts, city, logs.states, audit.access_log.check).routes(),
            *oauth_routes(authorization.token_service),
            *_sign_in(authorization.sign_ins, identity),
            schema_route(sdl),
            *entity_routes(entity),
            *summary.routes(),
            *AgreementInbox(agreeing, database.url, members.learn).routes(),
            *ExchangesPage(pool, callers).routes(),
            *LogPages(logs.tree, logs.witness, identity, lambda: audit.keys.public).routes(),
        ],
        lifespan=[
            wire_lifespan(
                settings, database, peers, audit, authorization.uses, counts, reporting, supervised=supervised
            )
        ],
        openapi_config=None,
        logging_config=None,
        exception_handlers={HTTPException: site.http_error, Exception: site.unexpected},
        after_request=_secure,
    )
    endpoint, web_socket = graphql.endpoint.handle, graphql.web_socket.handle
    return routed({"/graphql": endpoint, "/graphql/": endpoint}, with_head(others), {"/graphql": web_socket})


def _bounds(limits: Limits) -> Bounds:
    return Bounds(
        tokens=limits.tokens,
        depth=limits.depth,
        aliases=limits.aliases,
        selections=limits.selections,
        root_fields=limits.root_fields,
        directives=limits.directives,
        operations=limits.operations,
    )


def _sign_in(sign_ins: SignIns | None, identity: NodeIdentity) -> list[HTTPRouteHandler]:
    if sign_ins is None:
        return []
    return sign_in_routes(sign_ins, is_encrypted=identity.issuer.startswith("https://"))


def _secure(response: Response[object]) -> Response[object]:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response
