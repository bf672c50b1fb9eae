"""What is opened with a worker, in which order, and what runs beside its requests."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar

from node.app.audit import Audit
from node.app.database import Database
from node.app.peers import Peers
from node.auth.uses import Uses
from node.figures import watched
from node.lifespan import Task, begun, closing, living
from node.orphans import end_with_parent, supervisor
from node.settings import Settings
from node.store.fitness import check_fitness
from node.telemetry.counts import Counts
from node.telemetry.start import Reporting

COLLECT_AFTER = 10_000, 20, 20  # objects, and rounds: Python's 700 look through what requests under way hold, in vain

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def wire_lifespan(
    settings: Settings,
    database: Database,
    peers: Peers,
    audit: Audit,
    uses: Uses,
    counts: Counts,
    reporting: Reporting,
    *,
    supervised: bool,
) -> Lifespan:
    """For one worker, once. A supervised one ends with its supervisor, which may serve its counts.

    Raises:
        SettingsError: the broker's `mqtt_…` can't be used.
    """
    keeper = peers.members.keeper
    scraped = supervised and settings.metrics_port is not None
    stored = watched(
        counts,
        database.pool,
        peers.healths,
        peers.members,
        audit.service.states,
        lambda: (audit.access_log.waiting, database.reading.busy),
    )
    opened: list[AbstractAsyncContextManager[Any]] = [
        database.pool,
        database.reading,
        database.recording,
        database.spending,
        peers.transport,
        peers.waiting,
        database.intake,
        closing(peers.tokens, peers.client, peers.patient, peers.foreign, keeper, uses),
        begun(partial(check_fitness, database.pool)),
        begun(keeper.load),
        reporting.traced(),
    ]
    beside: list[Task] = [
        *_brokers(settings, database, counts),
        keeper.keep,
        peers.summaries.keep,
        audit.service.keep,
        audit.security_log.keep,
        database.arrivals.keep,
        *([stored.keep] if scraped or settings.otlp_endpoint is not None else []),
        *reporting.beside(settings.home, supervisor() if scraped else None),
        *([lambda: end_with_parent(supervisor())] if supervised else []),
    ]

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with living(opened, beside):
            if supervised:
                gc.freeze()  # what is there now stays: to look through it again and again would hold up requests
                gc.set_threshold(*COLLECT_AFTER)
            yield

    return lifespan


def _brokers(settings: Settings, database: Database, counts: Counts) -> list[Task]:
    """The broker that sensors publish to, if there is one. What reads from it is imported only then."""
    if settings.mqtt_url is None:
        return []
    from node.ingest.intake.broker import broker_of
    from node.ingest.intake.mqtt import MqttIntake

    broker = broker_of(settings)
    return [] if broker is None else [MqttIntake(broker, database.url, database.intake, counts).keep]
