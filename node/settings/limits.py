"""Bounds on what comes from outside."""

from __future__ import annotations

from typing import Annotated

import msgspec

from node.settings.meaning import count

LONGEST_MS = 3_600_000


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on what comes from outside. Times in milliseconds, sizes in bytes."""

    body_bytes: Annotated[int, count("Largest body of a GraphQL request.", unit="bytes")] = 131_072
    intake_bytes: Annotated[
        int,
        count(
            "The same for applications with the scope `observations:write`.",
            unit="bytes",
            more="ingest.md#observations-as-they-are-made",
        ),
    ] = 2_097_152
    tokens: Annotated[int, count("Lexical tokens of a document.")] = 2_000
    depth: Annotated[int, count("Nesting of fields; introspection may be 20 deep.")] = 12
    aliases: Annotated[int, count("Aliases, fragments spread.")] = 50
    directives: Annotated[int, count("`@skip` and `@include`, fragments spread.")] = 50
    selections: Annotated[int, count("Fields, fragments spread.")] = 1_000
    root_fields: Annotated[int, count("Fields on the first level.")] = 10
    operations: Annotated[int, count("Operations in one document.")] = 10
    page: Annotated[int, count("Largest `first` of catalog lists.", unit="rows")] = 1_000
    observations_page: Annotated[int, count("Largest `first` of observations.", unit="rows")] = 10_000
    rows: Annotated[int, count("What an operation may ask for, nested lists multiplied.", unit="rows")] = 100_000
    cost: Annotated[int, count("What an operation may cost.", more="limits.md#cost")] = 200_000
    answer_bytes: Annotated[int, count("Rows of one root field as JSON.", unit="bytes")] = 32_000_000
    request_ms: Annotated[int, count("A whole request.", unit="ms", le=LONGEST_MS)] = 10_000
    page_ms: Annotated[
        int, count("What a page waits for the cities; it says who did not answer until then.", unit="ms", le=LONGEST_MS)
    ] = 2_500
    peer_ms: Annotated[
        int,
        count(
            "One peer's part of it. A peer that is silent altogether may be given up sooner.",
            unit="ms",
            le=LONGEST_MS,
            more="federation.md#peers-that-misbehave",
        ),
    ] = 4_000
    statement_ms: Annotated[int, count("One SQL statement.", unit="ms", le=LONGEST_MS)] = 8_000
    peer_bytes: Annotated[int, count("A peer's answer.", unit="bytes")] = 32_000_000
    peers_at_once: Annotated[int, count("Requests to one peer that are under way side by side.")] = 64
    subscriptions: Annotated[int, count("Subscriptions that a process of the node keeps.", more="live.md#limits")] = 500
    subscriptions_per_caller: Annotated[int, count("Those of one application; or of all without a token.")] = 50
