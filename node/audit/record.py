"""What an access record contains. Never result data, never tokens, never values of variables."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec
from graphql import strip_ignored_characters

from policy.model import Caller

OWNER = "OWNER"
CONSUMER = "CONSUMER"

PERMIT = "PERMIT"
DENY = "DENY"
NONE = "NONE"

MAX_DOCUMENT = 16_384  # characters; of longer ones only the hash is kept
REMEMBERED = 1_024

Digest = bytes


class AccessRecord(msgspec.Struct, frozen=True):
    """One access to one city's data, seen from this node. `datasets` are global ids, `fields` paths like `nodes.title`.

    The digests are SHA-256, of the body that one city sent to the other, and of the root field's value in the owner's
    answer; `receipt` is what the owner signed about it (`federation.receipts`). None where no other city is involved.
    `action` is made by `action_of`.
    """

    role: str
    caller: Caller
    counterpart: str | None
    trace_id: str
    field: str
    action: str
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
    fields: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    request_digest: Digest | None = None
    response_digest: Digest | None = None
    positions: str | None = None


def action_of(caller: Caller, subject: str, verb: str = "read") -> str:
    """caller:subject:action, e.g. `peer:observation:read`: by an application of this city, by a peer, or neither."""
    kind = "peer" if caller.peer is not None else "anonymous" if caller.is_anonymous else "application"
    return f"{kind}:{subject}:{verb}"


@lru_cache(maxsize=REMEMBERED)
def normalised(document: str) -> str:
    """The document as it is stored: without comments and layout, which cost their sender nothing; NUL is replaced."""
    return strip_ignored_characters(document).replace("\x00", "\ufffd")


@lru_cache(maxsize=REMEMBERED)
def operation_digest(document: str) -> bytes:
    """SHA-256 of the normalised document. Raises GraphQLSyntaxError if it is none."""
    return hashlib.sha256(normalised(document).encode()).digest()
