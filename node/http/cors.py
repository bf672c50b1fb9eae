"""What scripts of other sites' pages may read (Fetch, 3.3): answers that no cookie and no address counts for.

Nobody is known to `/graphql` but by a token that the script itself has, so any site may ask: without one it gets what
is open to anybody. Pages and desks, which know people by a cookie, tell browsers nothing, and so are kept from others.
"""

from __future__ import annotations

from collections.abc import Mapping

ORIGIN = b"origin"
ANYBODY: Mapping[str, str] = {"Access-Control-Allow-Origin": "*"}
READABLE: Mapping[str, str] = {
    **ANYBODY,
    "Access-Control-Expose-Headers": "DPoP-Nonce, ETag, Retry-After, WWW-Authenticate",
}
_PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "*, Authorization",  # the one header that `*` does not stand for
    "Access-Control-Max-Age": "7200",  # seconds; browsers take no more
}


def preflight(headers: Mapping[bytes, str]) -> Mapping[str, str]:
    """What a browser is told that asks before it sends a request; nothing to anybody else's OPTIONS."""
    return _PREFLIGHT if b"access-control-request-method" in headers else {}
