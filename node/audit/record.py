"""What an access record contains. Never result data, never tokens, never values of variables."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from policy.model import Caller

OWNER = "OWNER"
CONSUMER = "CONSUMER"

PERMIT = "PERMIT"
DENY = "DENY"
NONE = "NONE"


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One access to one city's data, seen from this node.

    `datasets` are global ids. `receipt`: what the other city signed about its answer (`federation.receipts`).
    """

    role: str
    caller: Caller
    counterpart: str | None
    trace_id: str
    field: str
    subject: str
    operation: bytes
    datasets: tuple[str, ...]
    decision: str
    rules: tuple[str, ...]
    policy_version: str
    state: str
    rows: int
    bytes: int
    took_ms: float
    receipt: str | None = None

    @property
    def action(self) -> str:
        """caller:subject:action, e.g. `peer:observation:read`."""
        return f"{caller_kind(self.caller)}:{self.subject}:read"


def caller_kind(caller: Caller) -> str:
    """How the caller came: through a peer, as an application of this city, or without a token."""
    if caller.peer is not None:
        return "peer"
    return "anonymous" if caller.is_anonymous else "application"


def operation_digest(document: str) -> bytes:
    """SHA-256 of the document as it was sent."""
    return hashlib.sha256(document.encode()).digest()
