"""HTTP to peers: bounded in time and size, and nothing followed, decoded or remembered that a peer might abuse.

Peers fail by being slow more often than by being down, so one deadline covers connecting, headers and body. Whatever
goes wrong becomes a `PeerError`. Not handled here: what is sent, who may be asked, what the answer means.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from federation.addresses import Allows
from federation.connection import Connection, PeerResponse
from federation.connections import ConnectionPool, ForbiddenAddress, Origin
from federation.errors import PeerIncompatible, PeerTimeout, PeerUnreachable

__all__ = ["PeerResponse", "PeerTransport"]

FORBIDDEN = "its address is not a public one (this node's operator can allow its network: peer_networks)"
NO_ADDRESS = "its address is not one of HTTP"
_PORTS = {"http": 80, "https": 443}
_COMMON = "Accept-Encoding: identity\r\nUser-Agent: Verbund\r\n"


class PeerTransport:
    """One pool of kept-alive connections to all peers: `async with PeerTransport(allows=…) as transport`.

    `allows` says which addresses may be connected to: a node passes the rule of its settings. `ssl_context` is for a
    municipal certificate authority; the system's roots are the default.
    """

    def __init__(self, *, allows: Allows, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._allows = allows
        self._pool: ConnectionPool | None = None

    async def __aenter__(self) -> Self:
        self._pool = ConnectionPool(self._ssl_context, self._allows)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; a request under way fails."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()
            await asyncio.sleep(0)  # until they are gone

    async def post(
        self,
        url: str,
        *,
        body: bytes,
        content_type: str,
        headers: Mapping[str, str],
        timeout_s: float,
        max_bytes: int,
    ) -> PeerResponse:
        """POST `body` and read the whole answer of at most `max_bytes` within `timeout_s`.

        Raises:
            PeerUnreachable: no connection, or it broke before the answer was whole.
            PeerTimeout: the deadline came first.
            PeerIncompatible: a redirect, an encoded, too large or malformed answer.
        """
        described = {**headers, "Content-Type": content_type, "Content-Length": str(len(body))}
        return await self._exchange("POST", url, body, described, timeout_s, max_bytes)

    async def get(self, url: str, *, headers: Mapping[str, str], timeout_s: float, max_bytes: int) -> PeerResponse:
        """GET, under the same bounds and with the same errors as `post`."""
        return await self._exchange("GET", url, b"", headers, timeout_s, max_bytes)

    async def _exchange(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, max_bytes: int
    ) -> PeerResponse:
        if self._pool is None:
            raise RuntimeError("the transport is not open: use it with `async with`")
        origin, target = _parts(url)
        request = _head(method, target, headers) + body
        try:
            async with asyncio.timeout(timeout_s):
                connection = await _taken(self._pool, origin)
                try:
                    response = await connection.ask(request, max_bytes)
                except BaseException:
                    connection.abort()
                    raise
                self._pool.give_back(connection)
                return response
        except TimeoutError:
            raise PeerTimeout(f"no complete answer within {timeout_s * 1000:.0f} ms") from None


async def _taken(pool: ConnectionPool, origin: Origin) -> Connection:
    try:
        return await pool.take(origin)
    except TimeoutError:  # of the system's, for connecting
        raise PeerUnreachable("it can't be connected to") from None
    except ForbiddenAddress:
        raise PeerUnreachable(FORBIDDEN) from None
    except ssl.SSLCertVerificationError:
        raise PeerUnreachable("its TLS certificate can't be verified") from None
    except ssl.SSLError:
        raise PeerUnreachable("no TLS connection could be agreed on") from None
    except (OSError, UnicodeError):
        raise PeerUnreachable("it can't be connected to") from None


@lru_cache(maxsize=1_024)
def _parts(url: str) -> tuple[Origin, str]:
    """Where to connect to, and how a request begins after its method. Raises PeerIncompatible."""
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port
    except ValueError:
        raise PeerIncompatible(NO_ADDRESS) from None
    if not host or split.scheme not in _PORTS:
        raise PeerIncompatible(NO_ADDRESS)
    path = f"{split.path or '/'}{'?' + split.query if split.query else ''}"
    origin = Origin(split.scheme == "https", host, port or _PORTS[split.scheme])
    return origin, f"{path} HTTP/1.1\r\nHost: {split.netloc.rpartition('@')[2]}\r\n{_COMMON}"


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("a header has a line break in it")
    return f"{method} {target}{lines}\r\n".encode("ascii")
