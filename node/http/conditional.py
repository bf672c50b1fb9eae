"""Conditional requests: a tag for an answer, and whether the client has that answer already (RFC 9110, 13). Pure."""

from __future__ import annotations

import hashlib

WEAK = "W/"
_DIGITS = 32  # of the hexadecimal hash: 128 bits


def entity_tag(data: bytes) -> str:
    """A weak tag: the trace id beside `data` differs from answer to answer (RFC 9110, 8.8.1)."""
    return f'{WEAK}"{hashlib.sha256(data).hexdigest()[:_DIGITS]}"'


def has_already(if_none_match: str | None, tag: str) -> bool:
    """True if the header names the tag, by weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    opaque = tag.removeprefix(WEAK)
    return any(one.strip().removeprefix(WEAK) in {opaque, "*"} for one in if_none_match.split(","))
