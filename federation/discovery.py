"""Where a node's token endpoint is: authorization server metadata (RFC 8414), fetched once and remembered for a while.

The metadata comes from the network, so it is believed only as far as it stays with the issuer that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from federation.bounded import Bounded
from federation.errors import PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.membership import MAX_MEMBERS
from federation.single_flight import SingleFlight
from federation.subjects import is_issuer
from federation.transport import PeerResponse, PeerTransport

WELL_KNOWN = "/.well-known/oauth-authorization-server"
MAX_BYTES = 64_000
REMEMBER_S = 600.0
JSON = "application/json"


class ServerMetadata(msgspec.Struct):
    """The members of RFC 8414 that are used here."""

    issuer: str
    token_endpoint: str


class Discovery:
    """Finds token endpoints."""

    def __init__(self, transport: PeerTransport, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._monotonic = monotonic
        self._known = Bounded[str, tuple[float, str]](MAX_MEMBERS)
        self._flights = SingleFlight[str, str]()

    async def token_endpoint(self, issuer: str, timeout_s: float) -> str:
        """The token endpoint of `issuer`.

        Raises:
            PeerError: no metadata, or metadata that points elsewhere.
        """
        until, endpoint = self._known.get(issuer, (float("-inf"), ""))
        if self._monotonic() < until:
            return endpoint
        try:
            return await self._flights.join(issuer, lambda: self._fetch(issuer, timeout_s), timeout_s)
        except TimeoutError:
            raise PeerTimeout(f"no metadata within {timeout_s * 1000:.0f} ms") from None

    def forget(self, issuer: str) -> None:
        """Ask again next time."""
        self._known.pop(issuer, None)

    async def close(self) -> None:
        """Stop the requests under way."""
        await self._flights.close()

    async def _fetch(self, issuer: str, timeout_s: float) -> str:
        response = await self._transport.get(
            issuer + WELL_KNOWN, headers={"Accept": JSON}, timeout_s=timeout_s, max_bytes=MAX_BYTES
        )
        endpoint = read_metadata(issuer, response).token_endpoint
        self._known[issuer] = (self._monotonic() + REMEMBER_S, endpoint)
        return endpoint


def read_metadata(issuer: str, response: PeerResponse) -> ServerMetadata:
    """The metadata in a response, if it is this issuer's (RFC 8414 §3.3) and stays on its host.

    Raises:
        PeerUnreachable: the peer says that it can't serve now.
        PeerIncompatible: anything else.
    """
    if response.status >= 500:
        raise PeerUnreachable(f"its metadata can't be had now (status {response.status})")
    if response.status != 200:
        raise PeerIncompatible(f"it has no OAuth metadata at {WELL_KNOWN} (status {response.status})")
    try:
        metadata = msgspec.json.decode(response.body, type=ServerMetadata)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise PeerIncompatible("its OAuth metadata is malformed") from None
    if metadata.issuer != issuer:
        named = f", {metadata.issuer}" if is_issuer(metadata.issuer) else ""
        raise PeerIncompatible(f"its OAuth metadata names another issuer than was asked{named}")
    if not same_origin(metadata.token_endpoint, issuer):
        raise PeerIncompatible("its token endpoint is not on its own host")
    return metadata


def same_origin(url: str, issuer: str) -> bool:
    """True for an address on the issuer's own scheme, host and port."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        there, here = urlsplit(url), urlsplit(issuer)
    except ValueError:
        return False
    return (there.scheme, there.netloc) == (here.scheme, here.netloc) and bool(there.path) and not there.fragment
