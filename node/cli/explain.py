"""Ask a node what a document would do, and write it as text: a line for each owner, and what its rules say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from federation.addresses import everywhere
from federation.discovery import JSON
from federation.errors import PeerError
from federation.transport import PeerTransport
from node.auth.keys import load_signing_key
from node.auth.token_client import Access, obtain_token
from node.cli.context import CommandError

TIMEOUT_S = 30.0
MAX_BYTES = 32_000_000
_QUERY = """query ($document: String!) { explain(document: $document) {
  cost policyVersion owners { city state policyVersion cost reason }
  fields { field cities { city asked reason } datasets { city datasets count permit decidedBy obligations obligedBy
    ways { agreements terms rounds { plan permit rules } } } } } }"""

Told = Mapping[str, Any]


def ask(issuer: str, document: str, *, client_id: str | None, key: Path | None, purpose: str | None) -> list[str]:
    """The explanation of a document, for an application of the node or for nobody in particular.

    Raises:
        CommandError: the node refuses, or can't be asked.
    """
    if (client_id is None) != (key is None):
        raise CommandError("--client-id and --key belong together")
    try:
        answer = asyncio.run(_asked(issuer, document, client_id, key, purpose))
    except PeerError as error:
        raise CommandError(f"{issuer} did not explain: {error.reason}") from error
    except ValueError as error:
        raise CommandError(f"--node: {error}") from error
    if answer.get("errors"):
        first = answer["errors"][0]
        raise CommandError("; ".join(filter(None, (first["message"], first.get("extensions", {}).get("hint")))))
    return list(lines(answer["data"]["explain"]))


async def _asked(issuer: str, document: str, client_id: str | None, key: Path | None, purpose: str | None) -> Any:
    access: Access | None = None
    if client_id is not None and key is not None:
        access = await obtain_token(issuer, client_id, load_signing_key(key), purpose, None)
    body = orjson.dumps({"query": _QUERY, "variables": {"document": document}})
    url = f"{issuer}/graphql"
    async with PeerTransport(allows=everywhere) as transport:
        response = await transport.post(
            url,
            body=body,
            content_type=JSON,
            headers={"Accept": JSON, **(access.headers("POST", url, body) if access is not None else {})},
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_BYTES,
        )
    return orjson.loads(response.body)


def lines(told: Told) -> Iterator[str]:
    """An explanation as text."""
    owners = {one["city"]: one for one in told["owners"]}
    for field in told["fields"]:
        yield f"{field['field']}:"
        for city in field["cities"]:
            yield f"  {city['city']}: {_asked_or_not(city, owners.get(city['city']))}"
            for one in field["datasets"]:
                if one["city"] == city["city"]:
                    yield from (f"    {line}" for line in _dataset_lines(one))


def _asked_or_not(city: Told, owner: Told | None) -> str:
    if not city["asked"]:
        return f"not asked: {city['reason']}"
    if owner is None or owner["state"] != "OK":
        return f"asked, and has not explained: {owner and (owner['reason'] or owner['state'])}"
    cost = owner["cost"] or {}
    return f"asked; policy {owner['policyVersion']}; cost {cost.get('requested', '?')} of {cost.get('limit', '?')}"


def _dataset_lines(one: Told) -> Iterator[str]:
    more = f" and {one['count'] - len(one['datasets'])} more" if one["count"] > len(one["datasets"]) else ""
    verdict = "permitted" if one["permit"] else "denied"
    yield f"{', '.join(one['datasets'])}{more}: {verdict} by {', '.join(one['decidedBy'])}"
    if one["obligations"]:
        by = f" (by {', '.join(one['obligedBy'])})" if one["obligedBy"] else ""
        yield f"  under {', '.join(one['obligations'])}{by}"
    for way in one["ways"]:
        name = f"relying on {', '.join(way['agreements'])}" if way["agreements"] else "without an agreement"
        yield f"  {name}; terms: {', '.join(way['terms']) or 'none'}"
        for round_ in way["rounds"]:
            plan, answer = ", ".join(round_["plan"]) or "as it is", "permit" if round_["permit"] else "deny"
            yield f"    plan {plan}: {answer} ({', '.join(round_['rules']) or 'default-deny'})"
