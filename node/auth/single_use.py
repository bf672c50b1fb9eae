"""Claims that frame every assertion presented at the token endpoint, and the memory that none is used twice.

An assertion lives 60 seconds at most, is meant for this node alone, and its `jti` counts once. The memory is in
PostgreSQL, so that it is one memory for all replicas.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from node.store.pool import Pool

MAX_LIFETIME_S = 60
AHEAD_S = 10
LEEWAY_S = 30
KEEP_BEYOND = timedelta(seconds=120)
PRUNE_EVERY_S = 60.0
JTI = re.compile(r"[!-~]{16,128}")


class FrameError(ValueError):
    """`reason` says which claim is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AssertionKind(StrEnum):
    """What a `jti` belongs to."""

    CLIENT = "client"
    GRANT = "grant"
    PROOF = "proof"


@dataclass(frozen=True)
class SingleUse:
    """An accepted assertion or proof that is now spent."""

    kind: AssertionKind
    issuer: str
    jti: str
    expires_at: datetime

    @property
    def token_id(self) -> str:
        """The `jti` with its kind: an issuer may number the two kinds apart."""
        return f"{self.kind}:{self.jti}"


def check_frame(claims: dict[str, Any], kind: AssertionKind, audience: str, now: float) -> SingleUse:
    """Check `aud`, `iat`, `exp`, `nbf` and `jti`; `iss` is taken as verified.

    Raises:
        FrameError: one of them is missing, of the wrong type, or out of bounds.
    """
    if claims.get("aud") != audience:
        raise FrameError(f"aud must be the issuer {audience} alone, as a string; the token endpoint is not accepted")
    issued_at, expires_at = _second(claims, "iat"), _second(claims, "exp")
    if issued_at > now + AHEAD_S:
        raise FrameError(f"iat is more than {AHEAD_S} seconds ahead: check the clock")
    if "nbf" in claims and _second(claims, "nbf") > now + AHEAD_S:
        raise FrameError(f"nbf is more than {AHEAD_S} seconds ahead: check the clock")
    if expires_at <= now - LEEWAY_S:
        raise FrameError("the assertion has expired: make a new one for each request")
    if not 0 < expires_at - issued_at <= MAX_LIFETIME_S:
        raise FrameError(f"exp must be after iat by at most {MAX_LIFETIME_S} seconds")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not JTI.fullmatch(jti):
        raise FrameError("jti must be 16 to 128 printable characters without spaces, new for each assertion")
    return SingleUse(kind, claims["iss"], jti, datetime.fromtimestamp(expires_at, UTC))


class ReplayMemory:
    """Remembers what was used, until it could not be used anyway."""

    def __init__(self, pool: Pool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._prune_at = float("-inf")

    async def spend(self, uses: Sequence[SingleUse]) -> list[SingleUse]:
        """Mark all as used, in one statement; those that were used before. Raises psycopg's errors."""
        statement = """
            insert into used_token_id (issuer, token_id, expires_at)
            select * from unnest(%s::text[], %s::text[], %s::timestamptz[]) as used (issuer, token_id, expires_at)
            order by issuer, token_id
            on conflict do nothing
            returning issuer, token_id
        """
        columns = zip(*((use.issuer, use.token_id, use.expires_at + KEEP_BEYOND) for use in uses), strict=True)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement, [list(column) for column in columns])
            new = set(await cursor.fetchall())
            if self._monotonic() >= self._prune_at:
                self._prune_at = self._monotonic() + PRUNE_EVERY_S
                await connection.execute("delete from used_token_id where expires_at < now()")
        return [use for use in uses if (use.issuer, use.token_id) not in new]


def _second(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise FrameError(f"{name} must be a whole number of seconds since 1970")
    return value
