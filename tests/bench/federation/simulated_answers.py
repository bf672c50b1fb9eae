"""What a simulated owner answers: plain GraphQL over made-up rows, so that it follows whatever a home node asks. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from graphql import GraphQLSchema, build_schema, graphql_sync

MOST = 400
ROWS = 50  # an owner has as many as the longest page
NEWEST = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
NAMES = tuple(f"stadt-{number:03d}" for number in range(1, MOST + 1))


def owners_schema(sdl: str) -> GraphQLSchema:
    """The schema as an owner serves it that answers in one piece."""
    schema = build_schema(sdl)
    schema.directives = tuple(one for one in schema.directives if one.name != "defer")
    return schema


def answer(schema: GraphQLSchema, number: int, query: str, variables: dict[str, Any]) -> bytes:
    """The answer of the owner with this number, from 0, to a question about observations, newest first."""
    page = {"observations": lambda _info, **arguments: _page(number, arguments["first"])}
    result = graphql_sync(schema, query, page, variable_values=variables)
    return orjson.dumps(result.formatted)


def _page(number: int, first: int) -> dict[str, Any]:
    rows = [_row(number, index) for index in range(min(first, ROWS))]
    report = {"city": NAMES[number], "state": "OK", "asOf": NEWEST.isoformat(), "policyVersion": "1", "obligations": []}
    return {
        "sortKeys": [row["sort"] for row in rows],
        "localKeys": [row["key"] for row in rows],
        "nodes": [row["node"] for row in rows],
        "pageInfo": {
            "hasNextPage": first < ROWS,
            "hasPreviousPage": False,
            "startCursor": None,  # nobody pages on with an owner's cursor
            "endCursor": None,
        },
        "federation": {"complete": True, "cities": [report]},
    }


def _row(number: int, index: int) -> dict[str, Any]:
    """Rows of all owners lie between each other."""
    at = NEWEST - timedelta(minutes=index * MOST + number)
    return {
        "sort": at.strftime("%Y-%m-%d %H:%M:%S+00"),
        "key": f"zaehler-{index}",
        "node": {"phenomenonTime": at.isoformat(), "result": float(number + index), "quality": "RAW"},
    }
