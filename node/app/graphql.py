"""GraphQL: over HTTP, over WebSocket, and for the pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from node.app.ports import Ports
from node.auth.callers import Callers
from node.auth.receipts import Receipts
from node.http.graphql import GraphQLEndpoint
from node.http.trusted import load_documents
from node.http.websocket import WebSocketEndpoint
from node.settings import Settings
from node.telemetry.counts import Counts
from node.telemetry.requests import Telemetry
from node.web.stored import Asker
from schema.build import VerbundSchema
from schema.cost import CostLimits
from schema.execution import Executor


@dataclass(frozen=True, slots=True)
class GraphQL:
    """`/graphql` and `asker`, who asks for pages, have the same executor and ports."""

    endpoint: GraphQLEndpoint
    web_socket: WebSocketEndpoint
    asker: Asker


def wire_graphql(
    settings: Settings,
    schema: VerbundSchema,
    ports: Ports,
    callers: Callers,
    receipts: Receipts,
    counts: Counts,
    telemetry: Telemetry,
    summary_version: Callable[[], str | None],
) -> GraphQL:
    """Peers are told the version of the summary with each answer.

    Raises:
        TrustedDocumentError: a trusted document can't be used.
    """
    limits = settings.limits
    executor = Executor(schema, CostLimits(limits.rows, limits.cost))
    endpoint = GraphQLEndpoint(
        executor,
        ports.gate,
        ports.directory,
        callers,
        receipts,
        telemetry,
        counts,
        limits,
        load_documents(settings.trusted_documents_directory, schema.documents),
        trusted_only=settings.trusted_documents_only,
        summary_version=summary_version,
        stewardship=ports.stewardship,
        intake=ports.intake,
    )
    return GraphQL(
        endpoint,
        WebSocketEndpoint(callers, telemetry, endpoint.begin),
        Asker(executor, ports.gate, ports.directory, telemetry, limits.page_ms, ports.stewardship),
    )
