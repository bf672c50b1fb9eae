"""The only wiring: settings in, ASGI application out."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.types import ASGIApp

from federation.client import PeerBounds, PeerClient
from federation.fanout import Fanout
from federation.foreign import ForeignSchemas, fetched_by
from federation.health.peers import PeerHealths
from federation.patience import PatientClient
from federation.shape import Shapes
from federation.summaries import Summaries
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from node.agreeing import Agreeing
from node.audit.figures import counting
from node.audit.log import AccessLog
from node.audit.reconciling import Reconciler
from node.audit.security import SecurityLog
from node.audit.service import LogService
from node.auth.callers import Callers
from node.auth.entity import EntityConfiguration
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.auth.keys import passphrase_of
from node.auth.log_keys import load_log_keys
from node.auth.metadata import CALLBACK_PATH
from node.auth.receipts import Receipts
from node.auth.service import TokenService
from node.auth.sign_in.desk import Desks
from node.auth.sign_in.desk_sign_ins import CALLBACK_PATH as DESK_CALLBACK_PATH
from node.auth.sign_in.desk_sign_ins import DeskSignIns
from node.auth.sign_in.provider import IdentityProvider
from node.auth.sign_in.service import SignIns
from node.auth.sign_in.store import SignInStore
from node.auth.uses import ASYNCHRONOUS, Uses
from node.directory import NodeDirectory
from node.figures import watched
from node.gate import Auditing, CityGate, CityRules, Decisions, Explainer, FollowLimits, Governance, Live, OwnData
from node.http.agreements import AgreementInbox
from node.http.asgi import SECURITY_HEADERS, routed
from node.http.entity import entity_routes
from node.http.exchanges import ExchangesPage
from node.http.graphql import GraphQLEndpoint
from node.http.health import Health
from node.http.log import LogPages
from node.http.oauth import oauth_routes
from node.http.problem import handle_unexpected
from node.http.schema_page import schema_route
from node.http.sign_in import sign_in_routes
from node.http.summary import SummaryPage
from node.http.trusted import load_documents
from node.http.websocket import WebSocketEndpoint
from node.ingest.intake.service import ObservationIntake
from node.ingest.intake.writer import IntakeWriter
from node.lifespan import Task, begun, closing, living
from node.members import Members, own_member, peer_transport, presented
from node.members import fetched_by as statements_fetched_by
from node.orphans import end_with_parent
from node.settings import Settings
from node.store.arrival_watch import ArrivalWatch
from node.store.compiler import PageLimits
from node.store.fitness import check_fitness
from node.store.pool import Pool, make_pool
from node.store.reader import Reader
from node.store.reading_role import ENTER
from node.store.sessions import Sessions
from node.store.trust import PostgresTrustStore
from node.telemetry.counts import Counts
from node.telemetry.start import Reporting
from node.web.desk.log_work import LogWork
from node.web.export.pages import CatalogExport
from node.web.export.publishing import Publishing
from node.web.site import Site
from node.web.stored import Asker
from schema.budget import Bounds
from schema.build import build_schema
from schema.cost import CostLimits
from schema.execution import Executor
from schema.ports import Stewardship

COLLECT_AFTER = 10_000, 20, 20  # objects, and rounds: Python's 700 look through what requests under way hold, in vain


def create_app(settings: Settings, *, supervised: bool = False) -> ASGIApp:
    """Wire one node. `settings.database_url` must be set. A supervised worker ends with its supervisor."""
    if settings.database_url is None:
        raise ValueError("create_app needs a database: `verbund serve` starts the embedded one")
    counts = Counts()
    reporting = Reporting(counts, settings.city, version("verbund"), settings.otlp_endpoint, settings.trace_share)
    limits = settings.limits
    keys = NodeKeys(settings.keys_home, passphrase_of(settings))
    identity = NodeIdentity.from_settings(settings, keys)
    transport, waiting = peer_transport(settings), peer_transport(settings)
    pool = make_pool(settings.database_url, size=settings.pool_size, statement_ms=limits.statement_ms)
    members = Members(settings, statements_fetched_by(transport), PostgresTrustStore(pool))
    entity = EntityConfiguration(
        identity,
        keys,
        presented(settings),
        lambda: members.keeper.anchors,
        lambda: members.keeper.vouched_jwks(settings.issuer),
    )
    schema = build_schema(
        Bounds(
            tokens=limits.tokens,
            depth=limits.depth,
            aliases=limits.aliases,
            selections=limits.selections,
            root_fields=limits.root_fields,
            directives=limits.directives,
            operations=limits.operations,
        )
    )
    tokens = PeerTokens(identity.issuer, lambda: identity.signing_key, transport)
    healths = PeerHealths(limits.peers_at_once)
    summaries = Summaries(settings.city, members.current, transport, tokens, settings.summaries_every_s, healths)
    bounds = PeerBounds(limits.peer_ms / 1000, limits.peer_bytes)
    client, patient = (
        PeerClient(transport, tokens, bounds, healths, members.renewed, summaries.heard),
        PatientClient(waiting, tokens, bounds, PeerHealths(limits.subscriptions), members.renewed),
    )
    sdl = schema.as_str() + "\n"
    foreign = ForeignSchemas(sdl, fetched_by(transport))
    log_keys = load_log_keys(settings)
    audit = LogService(settings, pool, transport, members.current, lambda: log_keys.log, lambda: log_keys.witness)
    decisions = Decisions(
        pool,
        settings.city,
        CityRules(settings.policies_directory, settings.city).current,
        members.current,
        shares=lambda: audit.states.shares,
    )
    reading = Sessions(
        settings.database_url,
        size=settings.pool_size,
        statement_ms=limits.statement_ms,
        name="verbund-read",
        on_open=[ENTER],
    )
    logging_sessions = Sessions(settings.database_url, size=1, statement_ms=limits.statement_ms, name="verbund-log")
    reader = Reader(reading, settings.city, PageLimits(limits.observations_page, limits.page, limits.answer_bytes))
    access_log = AccessLog(logging_sessions, coming=lambda: reading.busy, counted=counting(counts))
    security_log = SecurityLog(access_log)
    fanout = Fanout(client, Shapes(schema.graphql), schema.graphql, foreign)
    live = Live(
        Fanout(patient, Shapes(schema.graphql), schema.graphql, foreign),
        ArrivalWatch(settings.database_url),
        FollowLimits(limits.subscriptions_per_caller, limits.subscriptions),
    )
    gate = CityGate(
        city=settings.city,
        own=OwnData(settings.city, reader, decisions),
        membership=members.current,
        fanout=fanout,
        access_log=access_log,
        why_skip=summaries.why_skip,
        log_state=audit.states.state,
        live=live,
    )
    agreeing = Agreeing(identity, members.current)
    stewardship = Stewardship(
        Explainer(settings.city, decisions, members.current, summaries.why_skip, fanout, access_log),
        Governance(settings.city, settings.database_url, agreeing, access_log, lambda: peer_transport(settings)),
        Auditing(settings.city, settings.database_url, access_log, statement_ms=limits.statement_ms),
    )
    directory = NodeDirectory(settings, members, own_member(settings), audit.states)
    uses_sessions = Sessions(
        settings.database_url, size=2, statement_ms=limits.statement_ms, name="verbund-auth", on_open=[ASYNCHRONOUS]
    )
    uses = Uses(uses_sessions)
    desk_provider = _provider(settings, identity, transport, DESK_CALLBACK_PATH, settings.desk.scope)
    callers = Callers(
        identity,
        members.current,
        uses,
        on_revoked=lambda caller: tokens.forget(application=caller.application),
        on_refused=security_log.refused,
    )
    summary = SummaryPage(settings.city, identity, pool, callers, decisions.terms)
    executor = Executor(schema, CostLimits(limits.rows, limits.cost))
    intake_writer = IntakeWriter(settings.database_url)
    endpoint = GraphQLEndpoint(
        executor,
        gate,
        directory,
        callers,
        Receipts(identity),
        reporting.request_telemetry,
        counts,
        limits,
        load_documents(settings.trusted_documents_directory, schema.documents),
        trusted_only=settings.trusted_documents_only,
        summary_version=lambda: summary.version,
        stewardship=stewardship,
        intake=ObservationIntake(settings.city, intake_writer, access_log, counts),
    )

    scraped = supervised and settings.metrics_port is not None
    stored = watched(counts, pool, healths, members, audit.states, lambda: (access_log.waiting, reading.busy))

    looked_up = [stored.keep] if scraped or settings.otlp_endpoint is not None else []
    lifespan = partial(
        _lifespan,
        [
            pool,
            reading,
            logging_sessions,
            uses_sessions,
            transport,
            waiting,
            intake_writer,
            closing(tokens, client, patient, foreign, members.keeper, uses),
            begun(partial(check_fitness, pool)),
            begun(members.keeper.load),
            reporting.running(settings.home, scraped=scraped),
        ],
        [
            *_brokers(settings, intake_writer, counts),
            members.keeper.keep,
            summaries.keep,
            audit.keep,
            security_log.keep,
            live.watch.keep,
            *looked_up,
        ],
        supervised,
    )

    desks = Desks(SignInStore(pool))
    asker = Asker(executor, gate, directory, reporting.request_telemetry, limits.page_ms, stewardship)
    site = Site(
        settings,
        asker,
        members,
        audit.tree,
        desks,
        None if desk_provider is None else DeskSignIns(desk_provider, SignInStore(pool), desks, uses, settings.desk),
        LogWork(
            settings.database_url,
            settings.city,
            log_keys.log,
            Reconciler(settings.city, members.current, transport, tokens),
        ),
    )
    others = Litestar(
        route_handlers=[
            *site.routes(),
            *CatalogExport(Publishing(settings.city, settings.name, settings.issuer), asker, callers).routes(),
            *Health(pool, members.current, members.keeper.contacts, settings.city, audit.states).routes(),
            *oauth_routes(
                TokenService(
                    identity, members.current, pool, uses, learn=members.learn, on_refused=security_log.refused
                )
            ),
            *_sign_in(_provider(settings, identity, transport, CALLBACK_PATH), identity, pool, uses),
            schema_route(sdl),
            *entity_routes(entity),
            *summary.routes(),
            *AgreementInbox(agreeing, settings.database_url, members.learn).routes(),
            *ExchangesPage(pool, callers).routes(),
            *LogPages(audit.tree, audit.witness, identity, lambda: log_keys.public).routes(),
        ],
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
        exception_handlers={HTTPException: site.http_error, Exception: handle_unexpected},
        after_request=_secure,
    )
    return routed(
        {"/graphql": endpoint.handle, "/graphql/": endpoint.handle},
        others,
        {"/graphql": WebSocketEndpoint(callers, reporting.request_telemetry, endpoint.begin).handle},
    )


def _brokers(settings: Settings, writer: IntakeWriter, counts: Counts) -> list[Task]:
    """The broker that sensors publish to, if there is one. What reads from it is imported only then."""
    if settings.mqtt_url is None or settings.database_url is None:
        return []
    from node.ingest.intake.broker import broker_of
    from node.ingest.intake.mqtt import MqttIntake

    broker = broker_of(settings)
    return [] if broker is None else [MqttIntake(broker, settings.database_url, writer, counts).keep]


@asynccontextmanager
async def _lifespan(
    opened: Sequence[AbstractAsyncContextManager[Any]],
    tasks: Sequence[Task],
    supervised: bool,  # noqa: FBT001 - bound by position
    _app: Litestar,
) -> AsyncIterator[None]:
    ends = [lambda: end_with_parent(os.getppid())] if supervised else []
    async with living(opened, [*tasks, *ends]):
        if supervised:
            gc.freeze()  # what is there now stays: to look through it again and again would hold up requests
            gc.set_threshold(*COLLECT_AFTER)
        yield


def _provider(
    settings: Settings, identity: NodeIdentity, transport: PeerTransport, callback: str, scope: str = "openid"
) -> IdentityProvider | None:
    """The city's identity provider, if people can sign in here."""
    if settings.identity_provider is None:
        return None
    return IdentityProvider(
        settings.identity_provider,
        settings.identity_provider_client_id,
        settings.issuer + callback,
        transport,
        lambda: identity.signing_key,
        scope=scope,
    )


def _sign_in(
    provider: IdentityProvider | None, identity: NodeIdentity, pool: Pool, uses: Uses
) -> list[HTTPRouteHandler]:
    if provider is None:
        return []
    return sign_in_routes(SignIns(identity, provider, pool, uses), is_encrypted=identity.issuer.startswith("https://"))


def _secure(response: Response[object]) -> Response[object]:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response
