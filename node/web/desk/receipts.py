"""What a receipt says, for people. It was verified when it came; here it is only read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from federation.jose import JwtError, read_unverified

MAX_BYTES = 65_536


def stated(receipt: str | None) -> dict[str, Any] | None:
    """Who signed it and when, the trace there, the leaves in the owner's log, its rules and obligations."""
    if receipt is None:
        return None
    try:
        claims = read_unverified(receipt, MAX_BYTES).claims
    except JwtError:
        return None
    issued = claims.get("iat")
    return {
        "issuer": claims.get("iss"),
        "at": datetime.fromtimestamp(issued, UTC).isoformat() if isinstance(issued, int) else None,
        "trace": claims.get("trace_id"),
        "entries": claims.get("entries") or [],
        "policyVersion": claims.get("policy_version"),
        "obligations": claims.get("obligations") or [],
    }
