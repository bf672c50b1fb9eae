"""Access records for tests, written by the node's own statements."""

from __future__ import annotations

from typing import Any

from node.audit.record import AccessRecord, action_of, normalised, operation_digest
from node.audit.statements import append_now
from policy.model import Caller

DOCUMENT = "{ datasets { nodes { id } } }"


def record(document: str = DOCUMENT, peer: str | None = "fulda", **more: Any) -> AccessRecord:
    """One record: by default another city's application was given a row of a dataset of Gießen."""
    caller = more.pop("caller", None) or Caller(peer or "giessen", "app", "research", peer=peer, token_id="token-1")
    values = {
        "role": "OWNER",
        "caller": caller,
        "counterpart": peer,
        "trace_id": "0" * 32,
        "field": "datasets",
        "action": action_of(caller, "dataset"),
        "operation": operation_digest(document),
        "datasets": ("giessen:dataset:rad",),
        "decision": "PERMIT",
        "rules": ("open-tier",),
        "policy_version": "v-1",
        "state": "OK",
        "rows": 1,
        "bytes": 10,
        "took_ms": 1.5,
        "fields": ("nodes.id",),
    }
    return AccessRecord(**(values | more))


def append(connection, count: int = 1, document: str = DOCUMENT, at=None, **more: Any):
    """Append records that are all alike; returns their rows."""
    return append_now(connection, [record(document, **more) for _ in range(count)], normalised(document), at)
