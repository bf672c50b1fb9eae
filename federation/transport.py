"""HTTP to peers: bounded in time and size, and nothing followed, decoded or remembered that a peer might abuse.

Peers fail by being slow more often than by being down, so one deadline covers connecting, headers and body. Whatever
goes wrong becomes a `PeerError`. Not handled here: what is sent, who may be asked, what the answer means.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from federation.errors import PeerIncompatible, PeerTimeout, PeerUnreachable

CONNECTIONS = 256
CONNECTIONS_PER_PEER = 32
KEEP_ALIVE_S = 15.0  # shorter than any server's, so that the server is not the one to close
MAX_HEADER_BYTES = 8_190
CHUNK_BYTES = 65_536
USER_AGENT = "Verbund"


@dataclass(frozen=True, slots=True)
class PeerResponse:
    """A peer's whole answer. `content_type` is without parameters, in small letters; `headers` ignore case."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


class PeerTransport:
    """One pool of kept-alive connections to all peers: `async with PeerTransport() as transport`.

    `ssl_context` is for a municipal certificate authority; the system's roots are the default.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS,
                limit_per_host=CONNECTIONS_PER_PEER,
                keepalive_timeout=KEEP_ALIVE_S,
                ttl_dns_cache=60,
                ssl=self._ssl_context or True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None, sock_read=None),
            trust_env=False,
            auto_decompress=False,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            headers={"Accept-Encoding": "identity", "User-Agent": USER_AGENT},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; a request under way fails."""
        if self._session is not None:
            await self._session.close()
            self._session = None

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
        return await self._exchange("POST", url, body, {**headers, "Content-Type": content_type}, timeout_s, max_bytes)

    async def get(self, url: str, *, headers: Mapping[str, str], timeout_s: float, max_bytes: int) -> PeerResponse:
        """GET, under the same bounds and with the same errors as `post`."""
        return await self._exchange("GET", url, None, headers, timeout_s, max_bytes)

    async def _exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float, max_bytes: int
    ) -> PeerResponse:
        if self._session is None:
            raise RuntimeError("the transport is not open: use it with `async with`")
        answer_began = False
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                answer_began = True
                _check_head(response, max_bytes)
                answer = await _read(response, max_bytes)
                return PeerResponse(response.status, answer, response.content_type.lower(), response.headers)
        except TimeoutError:
            raise PeerTimeout(f"no complete answer within {timeout_s * 1000:.0f} ms") from None
        except aiohttp.ClientConnectorCertificateError:
            raise PeerUnreachable("its TLS certificate can't be verified") from None
        except aiohttp.ClientSSLError:
            raise PeerUnreachable("no TLS connection could be agreed on") from None
        except aiohttp.ClientConnectorError:
            raise PeerUnreachable("it can't be connected to") from None
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            raise PeerUnreachable(
                "the connection broke before its answer was complete", came_to_nothing=not answer_began
            ) from None
        except aiohttp.ClientError:
            raise PeerIncompatible("its answer is not valid HTTP") from None
        except OSError:
            raise PeerUnreachable("the connection broke") from None


def _check_head(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    if 300 <= response.status < 400:
        raise PeerIncompatible(f"it answered with a redirect ({response.status}); redirects are not followed")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise PeerIncompatible("it sent an encoded answer, though identity was asked for")
    if response.content_length is not None and response.content_length > max_bytes:
        raise PeerIncompatible(f"its answer is larger than {max_bytes} bytes")


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            raise PeerIncompatible(f"its answer is larger than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
